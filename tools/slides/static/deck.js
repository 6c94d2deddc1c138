// Start the deck once its formulas are set. Before this file stand the front end of the figures and
// what shows them without a kernel; after it, their states.
{
  // A control in focus keeps the keys that it uses, the deck has the others.
  const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
  const USED = [
    ["input[type=range], select", ARROWS],
    ["input[type=radio], audio", [...ARROWS, " "]],
    ["input[type=checkbox]", [" "]],
    ["button, summary, a", [" ", "Enter"]],
  ];
  const CONTROLS = "input, select, audio, button, summary, a";
  const keeps = (control, key) => USED.some(([kind, keys]) => control.matches(kind) && keys.includes(key));
  const slides = document.querySelector(".slides");
  slides.addEventListener("keydown", (event) => {
    if (event.target.matches(CONTROLS) && keeps(event.target, event.key)) event.stopPropagation();
  });
  // What is left is the deck's, which hears nothing while an input has the focus. Before a figure
  // hears it, which gives the focus to its cell when Escape is pressed.
  slides.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (!target.matches(CONTROLS) || keeps(target, key) || ["Tab", "Shift"].includes(key)) return;
    target.blur();
    if (key === "Escape") event.stopPropagation();
  }, true);
}

MathJax.startup.promise.then(() =>
  Reveal.initialize({
    width: 1280, height: 720, margin: 0, minScale: 0.1, maxScale: 4, center: false, display: "flex",
    hash: true, navigationMode: "linear", slideNumber: "c/t", transition: "none",
    controlsTutorial: false, // an arrow that moves for ever
    backgroundTransition: "none",
    plugins: window.RevealNotes ? [RevealNotes] : [],
  }),
);
