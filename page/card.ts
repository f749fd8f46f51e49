/** An image on a card: the picture, and what is told of it. */
import type { Album, Placed } from "./album.js";
import { element } from "./dom.js";
import { picture } from "./picture.js";
import { count } from "./words.js";

export function card<Image extends Placed>(
  album: Album<Image>,
  image: Image,
  enlarge: () => void,
): HTMLLIElement {
  const button = element("button", { type: "button", class: "enlarge" }, picture(album, image));
  button.setAttribute("aria-label", `${album.describe(image)}. Enlarge`);
  button.addEventListener("click", enlarge);
  return element(
    "li",
    { class: "card" },
    button,
    element(
      "div",
      { class: "facts" },
      ...album.facts(image, "card"),
      element("p", { class: "index" }, `image ${count(image.index)}`),
    ),
  );
}
