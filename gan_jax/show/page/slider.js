// A slider over pictures that lie on each other: the one that it points at is shown.
for (const frames of document.querySelectorAll(".frames:has(input)")) {
  const slider = frames.querySelector("input"), told = frames.querySelector("output");
  const steps = [...frames.querySelectorAll(".frame")];
  const show = () => steps.forEach((frame, i) => {
    frame.hidden = i != slider.value;
    if (!frame.hidden) told.textContent = `step ${frame.dataset.step}`;
  });
  slider.parentElement.hidden = steps.length < 2;
  slider.addEventListener("input", show);
  show();
}
