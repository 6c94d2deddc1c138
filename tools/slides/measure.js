// Measure a slide as it is shown: one of a deck on its own, or one in JupyterLab. Given its element,
// and what it must fit into if that is not the window, return what `tools.slides.look` judges.
(slide, within) => {
  const shown = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true });
  // What is only read aloud stands in a box of one pixel.
  const box1 = (e) => e.clientWidth === 1 && getComputedStyle(e).overflow !== "visible";
  const spoken = (e) => {
    for (let at = e; at && at !== slide; at = at.parentElement) if (box1(at)) return true;
    return Boolean(e.closest(".spoken, mjx-assistive-mml, aside.notes"));
  };
  const seen = (e) => shown(e) && !spoken(e);
  const all = (selector) => [...slide.querySelectorAll(selector)].filter(seen);
  const named = (e) => (e.getAttribute("alt") || e.getAttribute("aria-label") || e.textContent || e.tagName).trim().slice(0, 50);

  // A deck may be drawn larger or smaller than it is laid out. Sizes are told of a slide of 1280 by 720.
  const drawn = slide.offsetWidth ? slide.getBoundingClientRect().width / slide.offsetWidth : 1;
  const unit = Math.min(innerWidth / 1280, innerHeight / 720), scale = drawn / unit;
  const frame = (within ? document.querySelector(within) : null)?.getBoundingClientRect();
  const box = {
    left: Math.max(0, frame?.left ?? 0), right: Math.min(innerWidth, frame?.right ?? innerWidth),
    top: Math.max(0, frame?.top ?? 0), bottom: Math.min(innerHeight, frame?.bottom ?? innerHeight),
  };
  const beyond = (r) => Math.max(box.left - r.left, r.right - box.right, box.top - r.top, r.bottom - box.bottom, 0);

  // Each piece of text, but no formula's, whose letters are of another size.
  const texts = () => {
    const walker = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT), found = [];
    for (let node; (node = walker.nextNode()); ) {
      const parent = node.parentElement;
      if (!node.data.trim() || parent.closest("mjx-container, script, style, option") || !seen(parent)) continue;
      found.push([node, parent, node.data.trim()]);
    }
    return found;
  };

  // What stands out farthest.
  const farthest = () => {
    let over = { px: 0, what: "" };
    const note = (rect, what) => {
      if (rect.width && rect.height && beyond(rect) > over.px) over = { px: Math.round(beyond(rect)), what };
    };
    for (const [node, , text] of texts()) {
      const range = document.createRange();
      range.selectNodeContents(node);
      for (const rect of range.getClientRects()) note(rect, text.slice(0, 50));
    }
    const boxes = "img, canvas, video, audio, svg, input, select, button, summary, mjx-container";
    all(boxes).forEach((e) => note(e.getBoundingClientRect(), named(e)));
    return over;
  };
  let over = farthest();
  for (const details of all("details")) { // what opens has to fit as well
    const { open } = details;
    details.open = true;
    const then = farthest();
    if (then.px > over.px) over = then;
    details.open = open;
  }

  const sizes = { code: null, prose: null, small: null }, raw = [];
  let words = 0;
  for (const [, parent, text] of texts()) {
    if (parent.closest("sup, sub")) continue;
    const code = parent.closest("pre, code, .cm-content");
    const kind = code ? "code" : parent.closest("table, figcaption, label, button, output, summary, .still") ? "small" : "prose";
    const px = parseFloat(getComputedStyle(parent).fontSize) * scale;
    if (sizes[kind] === null || px < sizes[kind]) sizes[kind] = Math.round(10 * px) / 10;
    if (!code) {
      words += text.split(/\s+/).length;
      if (/\$[^$\s][^$]*\$|\\[([]|\\begin\{/.test(text)) raw.push(text.slice(0, 50));
    }
  }

  const said = (e) => (e.getAttribute("alt") || e.getAttribute("aria-label") || "").replace(/^No description has been.*/, ""); // nbconvert's
  const figures = all("img, canvas").map((e) => {
    const { width, height } = e.getBoundingClientRect();
    return {
      name: named(e), width: Math.round(width), height: Math.round(height),
      scale: Math.round((100 * Math.min(width / (e.naturalWidth ?? e.width), height / (e.naturalHeight ?? e.height))) / unit) / 100,
      whole: beyond(e.getBoundingClientRect()) < 1 && width > 0 && (e.naturalWidth ?? e.width) > 0,
      // JupyterLab gives a picture no text of its own: it stands unseen in the same cell.
      described: Boolean(said(e) || [...(e.closest(".jp-OutputArea")?.querySelectorAll("div") ?? [])].some(box1)),
    };
  });

  // A control is alive if a pointer finds it from end to end.
  const dead = all("input, select, button, audio, summary, a[href]").filter((e) => {
    const { left, top, width, height } = [...e.getClientRects()][0] ?? {};
    const found = (x) => {
      const there = document.elementFromPoint(left + x * width, top + height / 2);
      return there && (e.contains(there) || there.contains(e) && there.closest("label"));
    };
    return e.disabled || e.error || !(e.matches("a") ? [0.5] : [0.05, 0.5, 0.95]).every(found);
  });
  return {
    title: slide.querySelector("h1, h2, h3, h4")?.textContent.replace("¶", "").trim() ?? "",
    over, sizes, words, figures,
    raw: [...raw, ...all("mjx-merror, [data-mjx-error]").map((e) => e.textContent.slice(0, 50))],
    dead: dead.map(named),
    controls: all("input, select, button, audio, summary").length,
  };
}
