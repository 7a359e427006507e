// Elements, without ever making markup of text: what comes from outside is a text node or an attribute that nothing runs.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else put(node, name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// Sets an attribute only where it differs, so that a quiet page stays quiet for screen readers, too.
export function put(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
  return node;
}

export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
  return node;
}

// Has a screen reader say something, when it has finished what it reads.
export const tell = (text) => say(document.getElementById("said"), text);

export function show(node, visible) {
  if (node.hidden === visible) node.hidden = !visible;
  return node;
}

// Makes the parent's children those of the items, by key, and keeps what is there already: focus and scroll stay.
export function each(parent, items, key, make) {
  const parts = (parent.parts ??= new Map());
  const seen = new Set();
  let after = null;
  for (const item of items) {
    const name = key(item);
    if (seen.has(name)) continue;
    seen.add(name);
    let part = parts.get(name);
    if (!part) parts.set(name, (part = make(item)));
    const place = after ? after.nextSibling : parent.firstChild;
    if (place !== part.node) parent.insertBefore(part.node, place);
    after = part.node;
    part.update?.(item);
  }
  for (const [name, part] of parts) {
    if (seen.has(name)) continue;
    part.node.remove();
    parts.delete(name);
  }
}

const ICONS = {
  usable: "M3 8.5 6.5 12 13 4.5",
  open: "M4 4l8 8M12 4l-8 8",
  trial: "M8 2.5a5.5 5.5 0 1 0 0 11M8 2.5v11",
  ejected: "M8 3 3 9h10zM3 12.5h10",
  unhealthy: "M1.5 8.5H5L6.5 4l3 8.5L11 8.5h3.5",
  draining: "M2.5 8h9M8.5 4.5 12 8l-3.5 3.5M14 3v10",
  disabled: "M8 2.5a5.5 5.5 0 1 0 .01 0M4.2 4.2l7.6 7.6",
  ramp: "M2.5 12.5 13 4M8.5 4H13v4.5",
  alert: "M8 2.5 14 13H2zM8 6.5v3M8 11.3v.2",
  call: "M2.5 8h10M9 4.5 12.5 8 9 11.5",
};

export function icon(name) {
  const path = svg("path", { d: ICONS[name] ?? ICONS.alert });
  return svg("svg", { class: "icon", viewBox: "0 0 16 16", "aria-hidden": "true" }, path);
}
