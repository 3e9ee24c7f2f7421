// Runs before anything is painted, so that a chosen theme does not flash in after the default one.
try {
  var chosen = JSON.parse(localStorage.getItem("hako.preferences") || "{}");
  if (chosen.theme === "light" || chosen.theme === "dark") document.documentElement.dataset.theme = chosen.theme;
  if (chosen.contrast === "more") document.documentElement.dataset.contrast = "more";
  if (chosen.language) document.documentElement.lang = chosen.language;
} catch (error) {
  // Storage may be closed to us; the defaults do.
}
