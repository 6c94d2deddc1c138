// What all our widgets share in the browser; the file of each one follows this one.

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

const UNANSWERED = "The kernel does not answer: it is busy, or this cell has to be run again.";
const VIEW = "application/vnd.jupyter.widget-view+json";
const LINE = /(<p class="still"[^>]*>)[^<]*/;
const escaped = (text) => text.replace(/[&<>]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign]);

// Return a cell's outputs as they are stored: each view of a widget gives way to the picture beside
// it, in the state it was left in if `stills` knows it, and is noted in the metadata.
function stilled(outputs, stills) {
  let line;
  return outputs.map((output) => {
    const html = output.data?.["text/html"];
    if (line && html && LINE.test(html)) {
      const data = { ...output.data, "text/html": html.replace(LINE, (_, opening) => opening + line) };
      line = undefined;
      return { ...output, data };
    }
    const view = output.data?.[VIEW];
    if (!view || !output.data["image/png"]) return output;
    const { [VIEW]: _, ...data } = output.data;
    const metadata = { ...output.metadata, [VIEW]: view };
    const left = stills.get(view.model_id)?.();
    if (left && left.alt !== data["text/plain"]) { // the picture is of another state
      Object.assign(data, { "image/png": left.png(), "text/plain": left.alt });
      metadata["image/png"] = { ...metadata["image/png"], alt: left.alt };
    }
    line = left && escaped(left.line);
    return { ...output, data, metadata };
  });
}

// JupyterLab prefers the view of a widget to the picture in the same output, and when the model has
// gone with its kernel it shows "Error displaying widget" instead of either. The widgets' state could
// be stored with the notebook, but that takes a setting, and six times the room of the picture. A
// picture in an output of its own leaves the error beside it. So the view is kept out of the file,
// through `toJSON`, which gives JupyterLab what it saves: what is stored is a picture, which every
// program shows. Other front ends, whose notebooks have no `toJSON` here, store view and picture.
function keepStill(model, still) {
  const manager = model.widget_manager, notebook = manager?.context?.model;
  if (!notebook?.cells || !notebook.toJSON) return; // another front end, or no notebook
  if (!notebook.stills) {
    const toJSON = notebook.toJSON.bind(notebook), stills = new Map();
    notebook.stills = stills;
    notebook.toJSON = () => {
      const saved = toJSON();
      const cells = saved.cells.map((cell) => (cell.outputs ? { ...cell, outputs: stilled(cell.outputs, stills) } : cell));
      return { ...saved, cells };
    };
  }
  if (still) notebook.stills.set(model.get("identity"), still);
  // The page has been loaded again while the kernel lives: what was stored as a picture is alive.
  const { dirty } = notebook;
  for (const { outputs } of notebook.cells) {
    for (let i = 0; i < (outputs?.length ?? 0); i++) {
      const output = outputs.get(i), { data, metadata } = output, view = metadata?.[VIEW];
      if (view && !data[VIEW] && manager.has_model(view.model_id)) {
        output.setData({ data: { ...data, [VIEW]: view }, metadata });
      }
    }
  }
  notebook.dirty = dirty; // nothing changes in the file
}

// A widget that takes more than two seconds to start, as on a busy machine, is given up by anywidget: it
// drops whatever the kernel sends, for good, and the figure stands still. Once this file runs, the widget
// has started; so the messages go straight to where anywidget would hand them on.
async function hear(model) {
  const manager = model.widget_manager, identity = model.get("identity");
  if (!manager?.has_model?.(identity)) return; // another front end
  const started = await manager.get_model(identity);
  const { _handle_comm_msg: handle } = Object.getPrototypeOf(Object.getPrototypeOf(started));
  started.comm?.on_msg((message) => handle.call(started, message));
}

// The keys that a control uses itself. JupyterLab takes all that it is not kept from; the others
// are for it, or for a lecture's slides.
const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];
const USED = { range: ARROWS, checkbox: [" "], button: [" ", "Enter"], file: [" ", "Enter"], "select-one": [...ARROWS, "Enter"] };
const SOUND = [...ARROWS, " ", "Enter"];

function onKey(event) {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  if (key === "Escape") {
    const cell = event.currentTarget.closest(".jp-Cell");
    if (!cell) return target.blur();
    cell.focus();
    return event.stopPropagation();
  }
  const used = USED[target.type] ?? (target.matches("audio") ? SOUND : []);
  const found = target.type === "select-one" && key.length === 1; // finds an option by its name
  if (found || used.includes(key)) event.stopPropagation();
}

// Return what anywidget calls: `render` for each view, and for each model `still`, if there is one,
// which tells how the widget was left: {alt, line, png()}.
const widget = (name, render, still) => ({
  initialize: ({ model }) => {
    hear(model);
    keepStill(model, still && (() => still(model)));
  },
  render: ({ model, el }) => {
    el.classList.add("living", name);
    el.addEventListener("keydown", onKey);
    const ended = () => el.classList.add("ended"); // the kernel restarts, and the line is seen again
    model.on("comm_live_update", ended);
    const end = render({ model, el });
    return () => {
      el.removeEventListener("keydown", onKey);
      model.off("comm_live_update", ended);
      end();
    };
  },
});
