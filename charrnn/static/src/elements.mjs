/** Making elements. Text goes in as text nodes; nothing here or elsewhere parses markup. */

/**
 * An element with attributes, listeners (`onclick: f`) and children (elements or strings).
 * An attribute that is true stands without a value; false, null and undefined are left out.
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value != null) made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

/** A control under its label; `hint` is what a pointer and a screen reader are told besides. */
export function labelled(text, control, hint) {
  if (hint) control.title = hint;
  return element("label", { class: "charrnn-field" }, element("span", {}, text), control);
}

export function button(text, onclick, properties = {}) {
  return element("button", { type: "button", onclick, ...properties }, text);
}

/** What makes a form of a figure's parts: `submitted` instead of leaving the page. */
export function form(name, properties, submitted, ...children) {
  const onsubmit = (event) => {
    event.preventDefault();
    submitted();
  };
  return element("form", { "aria-label": name, onsubmit, ...properties }, ...children);
}

/** 3451234 bytes as "3.5 MB". */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** 1234 as "1,234". The browser's own way takes it 15 to 60 ms, the first time. */
export function grouped(number) {
  return String(Math.round(number)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Put a line of text into an element, if it is not there yet: a screen reader speaks changes. */
export function say(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** Give the keyboard a place to go on where the control that it was on has gone. */
export function takeFocus(control) {
  const { activeElement, body } = document;
  if (!activeElement || activeElement === body) control.focus({ preventScroll: true });
}
