// What the theme and the gallery leave without a name that a screen reader could read.
document.addEventListener("DOMContentLoaded", () => {
  const name = (selector, of) =>
    document.querySelectorAll(selector).forEach((node) => node.setAttribute("aria-label", of(node)));
  name(".sphx-glr-thumbcontainer a.reference", (link) => link.textContent);
  name(".bd-sidebar summary", (arrow) => `pages of ${arrow.closest("li").querySelector("a").textContent}`);
  name(".search-button-field", (button) => button.textContent.trim().replace(/\s+/g, " "));
});
