// What the tests ask of a rendered page; each answer is plain data.
globalThis.seen = {
  // Whatever reaches past the window's right edge and lies in no box that scrolls.
  overflow() {
    const scrolls = e => ["auto", "scroll", "hidden"].includes(getComputedStyle(e).overflowX);
    const held = e => {
      for (let p = e; p && p !== document.body; p = p.parentElement) if (scrolls(p)) return true;
      return false;
    };
    const past = e => e.getBoundingClientRect().right > innerWidth + 1 && !held(e);
    const out = [...document.querySelectorAll("main *")].filter(past);
    return {
      page: document.scrollingElement.scrollWidth - innerWidth,
      out: out.slice(0, 5).map(e => e.outerHTML.slice(0, 120)),
    };
  },

  // [width, width of what is inside] of every formula's box.
  boxes() {
    return [...document.querySelectorAll(".formula")].map(e => [e.clientWidth, e.scrollWidth]);
  },

  // The fonts of the page, how many formulas there are, how many are drawn as nothing, how large a sum's sign is.
  maths() {
    const box = e => e.getBoundingClientRect();
    const maths = [...document.querySelectorAll("math")];
    const sum = [...document.querySelectorAll("mo")].find(e => e.textContent === "∑");
    return {
      faces: [...document.fonts].map(f => [f.family.replaceAll('"', ""), f.status]),
      count: maths.length,
      flat: maths.filter(e => box(e).width < 2 || box(e).height < 5).length,
      sum: box(sum).height / parseFloat(getComputedStyle(sum).fontSize),
    };
  },

  // Text whose contrast with what lies behind it is below 4.5 : 1.
  faint() {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
    const rgba = colour => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const linear = v => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const ground = e => {
      for (; e; e = e.parentElement) {
        const colour = rgba(getComputedStyle(e).backgroundColor);
        if (colour[3] > 250) return colour;
      }
      return [255, 255, 255];
    };
    const low = [];
    for (const e of document.querySelectorAll("body *")) {
      const words = [...e.childNodes].some(n => n.nodeType === Node.TEXT_NODE && n.data.trim());
      if (!words || !e.getClientRects().length) continue;
      const style = getComputedStyle(e);
      const ink = light(rgba(e instanceof SVGElement ? style.fill : style.color)), back = light(ground(e));
      const ratio = (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
      if (ratio < 4.5) low.push([e.textContent.slice(0, 40), ratio]);
    }
    return low;
  },

  // Words in pictures that lie over each other, or leave their picture.
  clashes() {
    const out = [];
    for (const svg of document.querySelectorAll("svg[role=img]")) {
      const frame = svg.getBoundingClientRect();
      const texts = [...svg.querySelectorAll("text")]
        .map(t => [t.textContent, t.getBoundingClientRect()])
        .filter(([, r]) => r.width > 0);
      for (const [words, r] of texts)
        if (r.left < frame.left - 2 || r.right > frame.right + 2 || r.top < frame.top - 2 || r.bottom > frame.bottom + 2)
          out.push([words, "leaves the picture"]);
      texts.forEach(([a, p], i) => {
        for (const [b, q] of texts.slice(0, i)) {
          const across = Math.min(p.right, q.right) - Math.max(p.left, q.left);
          const down = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top);
          if (across > 1 && down > 4) out.push([a, b]);
        }
      });
    }
    return out;
  },

  // Whether each curve is drawn, and within its picture.
  curves() {
    return [...document.querySelectorAll(".plot polyline")].map(e => {
      const a = e.getBoundingClientRect(), b = e.ownerSVGElement.getBoundingClientRect();
      const inside = a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 1 && a.bottom <= b.bottom + 1;
      return a.width > 20 && inside;
    });
  },

  // Which targets are unfolded.
  unfolded() {
    return [...document.querySelectorAll("details.entry")].map(e => e.open);
  },
};
