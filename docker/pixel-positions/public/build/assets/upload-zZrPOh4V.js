/** Shows the chosen image where the old logo was. */
export function previewUploads(root) {
  for (const input of root.querySelectorAll("input[type=file][data-preview]")) {
    input.addEventListener("change", () => {
      const [file] = input.files;
      const place = root.querySelector(input.dataset.preview);
      if (!file || !place || !file.type.startsWith("image/")) return;

      const image = new Image(88, 88);
      image.className = "logo logo-large";
      image.alt = "";
      image.src = URL.createObjectURL(file);
      image.id = place.id;
      place.replaceWith(image);
    });
  }
}
