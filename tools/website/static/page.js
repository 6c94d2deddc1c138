// The figures of a page move without a kernel: what it would answer is in a script of each figure,
// loaded when the figure comes into sight. Before this file stand widget.js and interactive.js.

const LATER = "400px"; // from the window's edge, where loading begins

const ALONE = "On this page, one control moves at a time; in the notebook, all do.";

const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const decoded = (text, type) => createImageBitmap(new Blob([bytes(text)], { type }));

// Return a model as the front end knows it from JupyterLab, which answers out of stored states.
async function recorded(figure) {
  const specs = Object.entries(figure.controls), listeners = {};
  const base = await decoded(figure.base, "image/webp");
  const { width, height } = base;
  const canvas = element("canvas", { width, height });
  const paper = canvas.getContext("2d", { willReadFrequently: true });
  const values = Object.fromEntries(specs.map(([name, { value }]) => [name, value]));
  const state = { alt: figure.alt, controls: figure.controls, sounds: figure.sounds.length > 0, line: "" };
  const tell = (event, ...what) => (listeners[event] ?? []).forEach((listener) => listener(...what));

  // The number of a control's value, and of the state that all of them make.
  const position = ([name, spec]) =>
    spec.kind === "slider" ? Math.round((values[name] - spec.minimum) / spec.step) : Number(values[name]);
  // Of every combination, or, where those would be too many, of one control after the other: then
  // one moves at a time, and the others go back to the beginning.
  let moved = 0;
  const current = () => {
    const { alone, counts, states } = figure;
    if (!alone) return states[specs.reduce((sum, control, i) => sum * counts[i] + position(control), 0)];
    return states[counts.slice(0, moved).reduce((sum, count) => sum + count, 0) + position(specs[moved])];
  };

  const draw = async () => {
    const shown = current();
    const part = shown.picture && (await decoded(shown.picture, "image/avif"));
    paper.drawImage(base, 0, 0);
    if (part) paper.drawImage(part, shown.x, shown.y);
    const colours = paper.getImageData(0, 0, width, height).data;
    // As the kernel packs it: each pixel differs from the last.
    const pixels = new Uint8Array(Math.ceil(width * height / 8) + colours.length);
    pixels.fill(255, 0, pixels.length - colours.length);
    pixels.set(colours, pixels.length - colours.length);
    state.picture = { pixels, width, height, ratio: 1, values: { ...values }, areas: figure.areas, texts: shown.texts ?? "", error: "" };
  };
  const nearest = (name, value) => {
    const spec = figure.controls[name];
    if (spec.kind !== "slider") return value;
    const steps = Math.round((value - spec.minimum) / spec.step);
    const last = Math.round((spec.maximum - spec.minimum) / spec.step);
    return spec.minimum + Math.min(Math.max(steps, 0), last) * spec.step;
  };
  const moveTo = (name, value) => {
    if (figure.alone) {
      moved = specs.findIndex(([other]) => other === name);
      for (const [other, { value: initial }] of specs) values[other] = initial;
    }
    values[name] = nearest(name, value);
  };
  const play = async () => {
    const context = new OfflineAudioContext(1, 1, 48000);
    const sound = await context.decodeAudioData(bytes(figure.sounds[current().sound]).buffer);
    tell("msg:custom", { sr: sound.sampleRate }, [sound.getChannelData(0)]);
  };
  await draw();
  return {
    get: (name) => state[name],
    on: (event, listener) => (listeners[event] ??= []).push(listener),
    off: (event, listener) => { listeners[event] = (listeners[event] ?? []).filter((one) => one !== listener); },
    send: async ({ values: asked = {}, drag, play: heard }) => {
      if (heard) return play();
      const changed = Object.entries(asked).filter(([name, value]) => nearest(name, value) !== values[name]);
      for (const [name, value] of changed) moveTo(name, value);
      if (drag) {
        const [name, x] = drag, [left, right] = figure.edges[name];
        moveTo(name, left + x * (right - left));
      }
      await draw();
      tell("change:picture");
    },
  };
}

// Called by each figure's script.
window.course = {
  async figure(name, figure) {
    for (const place of document.querySelectorAll(`[data-figure="${name}"]`)) {
      const model = await recorded(figure);
      const el = element("div");
      explorer.render({ model, el });
      place.replaceChildren(el);
      if (figure.alone) el.append(element("p", { className: "still", textContent: ALONE }));
    }
  },
};

const load = (place) => {
  const script = element("script", { src: place.dataset.script });
  document.head.append(script);
};
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    load(target);
  }
}, { rootMargin: LATER });
document.querySelectorAll("[data-script]").forEach((place) => seen.observe(place));

// What is wider than its place scrolls by keyboard, too.
const wide = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
  }
});
document.querySelectorAll("article :is(pre, .cell_output, .table-wrapper, div.math)").forEach((place) => wide.observe(place));
