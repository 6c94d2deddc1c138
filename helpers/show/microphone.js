// The front end of microphone.py, after widget.js: a button that records, a file instead, the answer.

// Hands every block of samples on, as they come from the microphone.
const TAP = `registerProcessor("tap", class extends AudioWorkletProcessor {
  process([channels]) {
    if (channels.length) this.port.postMessage(channels[0].slice());
    return true;
  }
});`;

const REASONS = {
  NotAllowedError: "The browser does not let this page use the microphone (see the sign in its address bar).",
  NotFoundError: "This computer has no microphone.",
  NotReadableError: "The microphone is in use by another program.",
};
const INSTEAD = " Choose a file instead.";

// Return a recording under way: its samples so far, its rate, and how to end it.
async function listen(heard) {
  const wanted = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: wanted });
  const context = new AudioContext();
  const end = () => {
    stream.getTracks().forEach((track) => track.stop());
    context.close();
  };
  try {
    const url = URL.createObjectURL(new Blob([TAP], { type: "text/javascript" }));
    await context.audioWorklet.addModule(url);
    URL.revokeObjectURL(url);
    const tap = new AudioWorkletNode(context, "tap", { channelCount: 1, channelCountMode: "explicit" });
    const blocks = [];
    tap.port.onmessage = ({ data }) => { blocks.push(data); heard(data, blocks.length * data.length / context.sampleRate); };
    context.createMediaStreamSource(stream).connect(tap).connect(context.destination); // its output is silent
    return { blocks, sr: context.sampleRate, end };
  } catch (error) {
    end();
    throw error;
  }
}

const joined = (blocks) => {
  const samples = new Float32Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) { samples.set(block, at); at += block.length; }
  return samples;
};

function render({ model, el }) {
  const most = model.get("seconds");
  const button = element("button", { type: "button", textContent: "● record" });
  const meter = element("meter", { min: 0, max: 1, value: 0, hidden: true });
  meter.setAttribute("aria-label", "loudness");
  const file = element("input", { type: "file", accept: "audio/*,video/*,.flac,.ogg,.wav,.mp3,.m4a,.3gp,.amr,.webm" });
  const said = element("div", { className: "said" });
  said.setAttribute("role", "status");
  const result = element("div");
  const say = (text, wrong = false) => {
    said.textContent = text;
    said.classList.toggle("wrong", wrong);
  };

  let waiting;
  const ask = (content, buffer) => {
    say("Listening to it …");
    model.send(content, undefined, [buffer]);
    clearTimeout(waiting);
    waiting = setTimeout(() => say(UNANSWERED, true), 20000);
  };
  const show = (shown) => {
    say(shown.said, !shown.html);
    if (shown.html) result.innerHTML = shown.html;
  };
  const answered = (shown) => {
    clearTimeout(waiting);
    show(shown);
  };
  model.on("msg:custom", answered);

  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    if (!chosen) return;
    if (chosen.size > 8e6) return say(`${chosen.name}: more than 8 MB; choose a shorter recording.`, true);
    ask({ name: chosen.name }, await chosen.arrayBuffer());
    file.value = ""; // the same file may be chosen again
  });

  let recording, starting = false;
  const stop = () => {
    const { blocks, sr, end } = recording;
    recording = undefined;
    end();
    button.textContent = "● record";
    button.classList.remove("on");
    meter.hidden = true;
    return { sr, samples: joined(blocks) };
  };
  const send = () => {
    const { sr, samples } = stop();
    ask({ sr, name: "your recording" }, samples.buffer);
  };
  button.addEventListener("click", async () => {
    if (recording) return send();
    if (starting) return;
    if (!navigator.mediaDevices) {
      return say("Browsers lend the microphone only to pages from https or localhost." + INSTEAD, true);
    }
    starting = true;
    say("The browser may ask whether this page may use the microphone.");
    try {
      recording = await listen((block, seconds) => {
        meter.value = Math.sqrt(block.reduce((peak, x) => Math.max(peak, Math.abs(x)), 0));
        if (recording && seconds >= most) send();
      });
      button.textContent = "■ stop";
      button.classList.add("on");
      meter.hidden = false;
      say(`Speak. It ends by itself after ${most} seconds.`);
    } catch (error) {
      say((REASONS[error.name] ?? `The microphone does not answer (${error.name}).`) + INSTEAD, true);
    }
    starting = false;
  });

  el.append(
    element("div", { className: "controls" }, button, meter, element("label", {}, "or a file: ", file)),
    said, result,
  );
  show(model.get("shown"));
  return () => {
    clearTimeout(waiting);
    model.off("msg:custom", answered);
    if (recording) stop();
  };
}

export default widget("recorder", render);
