// The views of an image: column-major maps of small numbers, and a color per number.

const BOTH = 1;
const ONLY_TRUTH = 2;
const ONLY_PREDICTION = 3;

const hexToRgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

// Pack a color and an alpha from 0 to 1 into one number, as stored in ImageData.
function packed(hex, alpha) {
  const bytes = new Uint8ClampedArray([...hexToRgb(hex), alpha * 255]);
  return new Uint32Array(bytes.buffer)[0];
}

// The topmost object at each pixel: its index plus 1, or 0. Hidden classes are left out.
function topmost(objects, pixels, hidden) {
  const map = new (objects.length < 65535 ? Uint16Array : Uint32Array)(pixels);
  objects.forEach((object, i) => {
    if (!hidden.has(object.class)) paint(map, object.ends, i + 1);
  });
  return map;
}

// The differences of truth and prediction. Things are painted on top of stuff, whose differences
// mirror theirs.
function differenceMap(rows, pixels) {
  const map = new Uint8Array(pixels);
  for (const thing of [false, true]) {
    const group = rows.filter((row) => row.thing === thing);
    for (const row of group) paint(map, combine(row.truth, row.predicted, either), BOTH);
    for (const row of group) {
      paint(map, combine(row.predicted, row.known, without), ONLY_PREDICTION);
    }
    for (const row of group) paint(map, combine(row.truth, row.predicted, without), ONLY_TRUTH);
  }
  return map;
}

// The cause at each wrong pixel: its index plus 2; 1 where truth and prediction agree.
function causeMap(rows, pixels) {
  const map = new Uint8Array(pixels);
  for (const thing of [false, true]) {
    const group = rows.filter((row) => row.thing === thing);
    for (const row of group) paint(map, combine(row.truth, row.predicted, either), 1);
    for (const spurious of [true, false]) {
      for (const row of group) {
        for (const part of row.parts) {
          if (part.spurious === spurious) paint(map, part.ends, part.cause + 2);
        }
      }
    }
  }
  return map;
}

// Paint masks where the map is 0.
function paintUnder(map, masks, value) {
  const under = new Uint8Array(map.length);
  for (const ends of masks) paint(under, ends, 1);
  for (let i = 0; i < map.length; i++) if (under[i] && !map[i]) map[i] = value;
}

// The borders between regions of different keys, two pixels wide: a map of 0 and 1.
function borders(map, keys, height, width) {
  const edge = new Uint8Array(map.length);
  for (let x = 0, p = 0; x < width; x++) {
    for (let y = 0; y < height; y++, p++) {
      const key = keys[map[p]];
      const differs =
        (y + 1 < height && keys[map[p + 1]] !== key) ||
        (x + 1 < width && keys[map[p + height]] !== key);
      if (differs) {
        edge[p] = 1;
        if (y + 1 < height) edge[p + 1] = 1;
        if (x + 1 < width) edge[p + height] = 1;
      }
    }
  }
  return edge;
}

// Draw a map in packed colors: colors[value], or line[value] at borders.
function drawMap(context, map, height, width, colors, edge, line) {
  const image = context.createImageData(width, height);
  const out = new Uint32Array(image.data.buffer);
  const STRIP = 32; // columns per strip, so that its pixels stay in the cache
  for (let x0 = 0; x0 < width; x0 += STRIP) {
    const x1 = Math.min(width, x0 + STRIP);
    for (let y = 0; y < height; y++) {
      for (let x = x0, p = x0 * height + y; x < x1; x++, p += height) {
        const value = map[p];
        out[y * width + x] = edge && edge[p] ? line[value] : colors[value];
      }
    }
  }
  context.putImageData(image, 0, 0);
}
