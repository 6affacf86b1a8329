// Marks the words of two texts that the other one does not have at that place.

const MOST_WORDS = 3000;

function wordsIn(element) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const words = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    for (const match of node.data.matchAll(/[\p{L}\p{N}\p{M}_']+|[^\s\p{L}\p{N}]/gu)) {
      words.push({ node, start: match.index, end: match.index + match[0].length, text: match[0] });
    }
  }
  return words;
}

// Longest common subsequence; true at each word that is not part of it.
function unlike(a, b) {
  const width = b.length + 1;
  const table = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      table[i * width + j] =
        a[i].text === b[j].text
          ? table[(i + 1) * width + j + 1] + 1
          : Math.max(table[(i + 1) * width + j], table[i * width + j + 1]);
    }
  }
  const onlyA = new Set(a);
  const onlyB = new Set(b);
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    if (a[i].text === b[j].text) {
      onlyA.delete(a[i]);
      onlyB.delete(b[j]);
      i += 1;
      j += 1;
    } else if (table[(i + 1) * width + j] >= table[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return [[...onlyA], [...onlyB]];
}

function runs(words) {
  const found = [];
  for (const word of words) {
    const last = found.at(-1);
    const between = last?.node === word.node ? word.node.data.slice(last.end, word.start) : "x";
    if (between.trim() === "") last.end = word.end;
    else found.push({ ...word });
  }
  return found;
}

function mark(words) {
  // From the end, so that the places before stay true.
  for (const { node, start, end } of runs(words).reverse()) {
    const range = document.createRange();
    range.setStart(node, start);
    range.setEnd(node, end);
    range.surroundContents(document.createElement("mark"));
  }
}

export function markDifferences(first, second) {
  const a = wordsIn(first);
  const b = wordsIn(second);
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) return false;
  for (const words of unlike(a, b)) mark(words);
  return true;
}

export function unmark(element) {
  for (const found of element.querySelectorAll("mark")) found.replaceWith(...found.childNodes);
  element.normalize();
}
