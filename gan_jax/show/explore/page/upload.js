// A file that is too large would end the connection: it is refused before it is sent.
document.addEventListener("input", event => {
  const chosen = event.composedPath()[0], line = document.getElementById("refused");
  if (chosen.type !== "file") return;
  const large = [...chosen.files].find(file => file.size > LARGEST);
  line.hidden = !large;
  if (!large) return;
  line.textContent = `${large.name}: ${(large.size / 1e6).toFixed(1)} MB, of which the page takes ${(LARGEST / 1e6).toFixed(1)} MB; reduce the picture`;
  chosen.value = "";
}, true);
