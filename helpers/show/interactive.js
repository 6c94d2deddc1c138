// The front end of interactive.py, after widget.js: a canvas, its controls, and nothing else.

// A picture comes as a bit per pixel, whether it differs from the pixel before, and as the colours
// of those that do.
function unpack(data, pixels) {
  const size = Math.ceil(pixels.length / 8);
  const differs = new Uint8Array(data.buffer, data.byteOffset, size);
  const colours = new Uint32Array(data.buffer.slice(data.byteOffset + size, data.byteOffset + data.byteLength));
  let colour = 0;
  for (let byte = 0, i = 0, next = 0; byte < size; byte++) {
    const bits = differs[byte];
    for (let bit = 128; bit; bit >>= 1) {
      if (bits & bit) colour = colours[next++];
      pixels[i++] = colour; // beyond the last pixel: ignored
    }
  }
}

// Draw a picture on a canvas, into `image`, which is used again while its size stays.
function paint(canvas, { pixels, width, height }, image) {
  if (canvas.width !== width || canvas.height !== height || !image) {
    Object.assign(canvas, { width, height });
    image = new ImageData(width, height);
  }
  unpack(pixels, new Uint32Array(image.data.buffer));
  canvas.getContext("2d").putImageData(image, 0, 0);
  return image;
}

// Say in words what a control is at.
function words(spec, value) {
  const text = (shown) => [shown, spec.unit].filter((part) => part).join(" ");
  if (spec.kind === "slider") return text(value.toFixed(spec.decimals));
  return spec.kind === "choice" ? text(spec.options[value]) : value ? "on" : "off";
}

// Return the state in which a figure was left, in words, and its picture as a PNG, in base 64.
function still(model) {
  const { values, ...picture } = model.get("picture");
  const moved = Object.entries(model.get("controls")).filter(([name, spec]) => values[name] !== spec.value);
  const left = moved.map(([name, spec]) => `${spec.label}: ${words(spec, values[name])}`).join(", ");
  const png = () => {
    const dense = element("canvas"), { width, height, ratio } = picture;
    paint(dense, picture);
    const canvas = element("canvas", { width: Math.round(width / ratio), height: Math.round(height / ratio) });
    const paper = canvas.getContext("2d");
    paper.imageSmoothingQuality = "high";
    paper.drawImage(dense, 0, 0, canvas.width, canvas.height);
    return canvas.toDataURL("image/png").split(",")[1];
  };
  const alt = model.get("alt") + (left && ` The figure was left at ${left}.`);
  return { alt, line: (left && `Left at ${left}. `) + model.get("line"), png };
}

// Return a control as [its element, read, write]; `changed` is called when somebody moves it.
function control(name, spec, changed) {
  const caption = element("span", { textContent: spec.label });
  if (spec.kind === "slider") {
    const input = element("input", { type: "range", min: spec.minimum, max: spec.maximum, step: spec.step });
    const output = element("output");
    const say = () => {
      output.textContent = words(spec, Number(input.value));
      input.setAttribute("aria-valuetext", output.textContent);
    };
    const write = (value) => { input.value = value; say(); };
    input.addEventListener("input", () => { say(); changed(); });
    return [element("label", {}, caption, input, output), () => Number(input.value), write];
  }
  if (spec.kind === "choice") {
    const options = spec.options.map((_, i) => element("option", { textContent: words(spec, i) }));
    const input = element("select", {}, ...options);
    input.addEventListener("input", changed);
    return [element("label", {}, caption, input), () => input.selectedIndex,
      (index) => { input.selectedIndex = index; }];
  }
  const input = element("input", { type: "checkbox" });
  input.addEventListener("input", changed);
  return [element("label", {}, input, caption), () => input.checked, (on) => { input.checked = on; }];
}

// A button that asks the kernel for the sound of the moment and plays it, or stops.
function player(model, complain) {
  const button = element("button", { type: "button", textContent: "▶ play" });
  let context, source;
  const stop = () => {
    source?.stop();
    source = undefined;
    button.textContent = "▶ play";
  };
  button.addEventListener("click", () => {
    if (source) return stop();
    try {
      context ??= new AudioContext();
    } catch {
      return complain("This browser plays no sound.");
    }
    context.resume().catch(() => {});
    model.send({ play: true });
  });
  const received = ({ sr }, buffers) => {
    if (!context) return; // the same figure, shown in another place, was asked
    stop();
    const samples = new Float32Array(buffers[0].buffer.slice(buffers[0].byteOffset, buffers[0].byteOffset + buffers[0].byteLength));
    const sound = context.createBuffer(1, samples.length, sr);
    sound.copyToChannel(samples, 0);
    source = Object.assign(context.createBufferSource(), { buffer: sound });
    source.connect(context.destination);
    source.onended = ({ target }) => { if (target === source) stop(); };
    source.start();
    button.textContent = "■ stop";
    const begun = context.currentTime;
    setTimeout(() => {
      if (!source || context.currentTime > begun) return;
      stop();
      complain("No sound device answers.");
    }, 1000);
  };
  model.on("msg:custom", received);
  return [button, () => { model.off("msg:custom", received); source?.stop(); context?.close(); }];
}

// One question is under way at a time; what changes meanwhile is asked when its answer has come.
// After three seconds it counts as lost: an interrupted kernel owes an answer for ever.
function turns(send, patience = 3000) {
  let owed, next = null;
  const ask = (change) => {
    next = { ...next, ...change };
    if (owed) return;
    owed = setTimeout(answered, patience);
    const question = next;
    next = null;
    send(question);
  };
  const answered = () => { // returns whether more was to be asked
    clearTimeout(owed);
    owed = undefined;
    if (!next) return false;
    ask({});
    return true;
  };
  return { ask, answered, end: () => { next = null; answered(); } };
}

function render({ model, el }) {
  const canvas = element("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", model.get("alt"));
  const complaint = element("div", { className: "wrong" });
  complaint.setAttribute("role", "alert");
  const spoken = element("div", { className: "spoken" });
  spoken.setAttribute("aria-live", "polite");

  let waiting;
  const { ask, answered, end: askNoMore } = turns((question) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { complaint.textContent = UNANSWERED; }, 10000);
    const values = Object.fromEntries(Object.entries(controls).map(([name, [, read]]) => [name, read()]));
    model.send({ values, ...question });
  });

  const controls = {};
  for (const [name, spec] of Object.entries(model.get("controls"))) {
    controls[name] = control(name, spec, () => ask({ drag: null }));
  }
  const row = element("div", { className: "controls" }, ...Object.values(controls).map(([label]) => label));
  let silence = () => {};
  if (model.get("sounds")) {
    const [button, end] = player(model, (text) => { complaint.textContent = text; });
    silence = end;
    row.append(button);
  }

  let image, speaking;
  const draw = () => {
    const { values, error, texts, ...picture } = model.get("picture");
    image = paint(canvas, picture, image);
    canvas.style.width = `${picture.width / picture.ratio}px`;
    canvas.style.setProperty("--aspect", picture.width / picture.height); // for slides, which enlarge it
    clearTimeout(waiting);
    complaint.textContent = error;
    clearTimeout(speaking); // spoken once the hand rests
    speaking = setTimeout(() => { spoken.textContent = texts; }, 700);
    if (answered()) return; // the controls are ahead of this picture
    for (const [name, value] of Object.entries(values)) controls[name][2](value);
  };
  model.on("change:picture", draw);

  // Dragging over the axes of a slider moves it: where the pointer is in data, the kernel knows.
  const under = ({ offsetX, offsetY }) => {
    const [x, y] = [offsetX / canvas.clientWidth, offsetY / canvas.clientHeight];
    const inside = ([, [x0, y0, x1, y1]]) => x >= x0 && x <= x1 && y >= y0 && y <= y1;
    return [Object.entries(model.get("picture").areas).find(inside)?.[0], x];
  };
  let dragged;
  canvas.addEventListener("pointerdown", (event) => {
    const [name, x] = under(event);
    if (!name) return;
    dragged = name;
    canvas.setPointerCapture(event.pointerId);
    ask({ drag: [name, x] });
  });
  canvas.addEventListener("pointermove", (event) => {
    const [name, x] = under(event);
    canvas.style.cursor = name ? "ew-resize" : "";
    if (dragged) ask({ drag: [dragged, x] });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => { dragged = undefined; });
  }

  el.append(row, canvas, complaint, spoken);
  draw();
  // It is drawn as dense as it is shown. A slide may show it larger than it is; a page never does.
  const sized = new ResizeObserver(() => {
    const { width, ratio } = model.get("picture"), enlarged = (canvas.clientWidth * ratio) / width;
    if (!enlarged) return; // not shown
    const wanted = Math.min(Math.max(devicePixelRatio, 1) * Math.max(1, Math.round(enlarged * 20) / 20), 2);
    if (wanted !== ratio) ask({ ratio: wanted });
  });
  sized.observe(canvas);
  return () => {
    [waiting, speaking].forEach(clearTimeout);
    askNoMore();
    model.off("change:picture", draw);
    sized.disconnect();
    silence();
  };
}

export { stilled, turns, unpack };
export default widget("explorer", render, still);
