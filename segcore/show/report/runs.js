// Masks, decoded from COCO's compressed counts, and operations on them.
//
// A mask is an array of run ends: the ascending column-major offsets (x * height + y) at which it
// flips, starting from background.

// Decode a compressed counts string. Throws if the counts do not fill the image.
function decodeCounts(text, pixels) {
  const ends = [];
  const counts = [0, 0]; // the last two; from the third on, counts are stored as differences
  let position = 0;
  let next = 0;
  for (let number = 0; next < text.length; number++) {
    let count = 0;
    let weight = 1; // multiplied, since shifts are limited to 32 bits
    for (let more = true; more; ) {
      const digit = text.charCodeAt(next++) - 48;
      if (!(digit >= 0 && digit < 64)) throw new Error("a counts string is broken");
      count += (digit & 31) * weight;
      weight *= 32;
      more = (digit & 32) !== 0;
      if (!more && digit & 16) count -= weight;
    }
    if (number > 2) count += counts[0];
    counts.shift();
    counts.push(count);
    position += count;
    if (count < 0 || position > pixels) throw new Error("a counts string leaves its image");
    // Two flips at the same position cancel.
    if (ends.length && ends[ends.length - 1] === position) ends.pop();
    else if (position < pixels) ends.push(position);
  }
  if (position !== pixels) throw new Error("a counts string does not fill its image");
  return ends;
}

// Set the foreground of a mask in a column-major map to a value.
function paint(map, ends, value) {
  for (let i = 0; i < ends.length; i += 2) {
    map.fill(value, ends[i], i + 1 < ends.length ? ends[i + 1] : map.length);
  }
}

// Combine two masks by rule(inA, inB), which must be false for (false, false).
function combine(a, b, rule) {
  const ends = [];
  let i = 0;
  let j = 0;
  let inside = false;
  while (i < a.length || j < b.length) {
    const position = Math.min(i < a.length ? a[i] : Infinity, j < b.length ? b[j] : Infinity);
    if (a[i] === position) i++;
    if (b[j] === position) j++;
    if (rule(i % 2 === 1, j % 2 === 1) !== inside) {
      ends.push(position);
      inside = !inside;
    }
  }
  return ends;
}

const both = (inA, inB) => inA && inB;
const either = (inA, inB) => inA || inB;
const without = (inA, inB) => inA && !inB;

// Set values[i] where positions[i], in ascending order, is foreground.
function sample(values, positions, ends, value) {
  let flips = 0;
  for (let i = 0; i < positions.length; i++) {
    while (flips < ends.length && ends[flips] <= positions[i]) flips++;
    if (flips % 2) values[i] = value;
  }
}

// The pixels [x, y] of a mask that have a neighbor outside of the mask or the image.
function borderOf(ends, height, width) {
  const pixels = height * width;
  const border = [];
  const first = Math.floor((ends[0] ?? 0) / height);
  const last = ends.length % 2 ? width - 1 : Math.floor(((ends.at(-1) ?? 1) - 1) / height);
  // One column and its neighbors at a time.
  let columns = [new Uint8Array(height), new Uint8Array(height), new Uint8Array(height)];
  const fill = (column, x) => {
    column.fill(0);
    if (x < 0 || x >= width) return;
    const start = x * height;
    let low = 0; // the first run that ends after the start of the column
    let high = Math.ceil(ends.length / 2);
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[2 * middle + 1] ?? pixels) > start) high = middle;
      else low = middle + 1;
    }
    for (let i = 2 * low; i < ends.length && ends[i] < start + height; i += 2) {
      column.fill(1, Math.max(0, ends[i] - start), (ends[i + 1] ?? pixels) - start);
    }
  };
  fill(columns[1], first);
  for (let x = first; ends.length && x <= last; x++) {
    fill(columns[2], x + 1);
    const [left, here, right] = columns;
    for (let y = 0; y < height; y++) {
      if (here[y] && !(left[y] && right[y] && here[y - 1] && here[y + 1])) border.push([x, y]);
    }
    columns = [here, right, left];
  }
  return border;
}
