// The tabs of the page, and its address: the tab, the image and finding, or the filters.

const TABS = {
  objects: ["Objects", page.compared, () => showFindings()],
  scores: ["Scores", page.evaluation, () => showScores()],
  causes: ["Causes", page.compared, () => showCauses()],
  confusion: ["Confusion", page.compared, () => showConfusion()],
  images: ["Images", true, () => {}],
};
const tabs = Object.keys(TABS).filter((name) => TABS[name][1]);
const drawn = new Set();

const addressOf = (values) => `#${new URLSearchParams(values)}`;
const addressOfFinding = (i) =>
  addressOf({ tab: "images", image: findings.image[i], finding: findings.row[i] });

// Put what is shown into the address, without a new entry in the history.
function remember() {
  const values = { tab: state.tab };
  if (state.tab === "objects") Object.assign(values, chosenFilters());
  if (state.tab === "images" && state.image) {
    values.image = state.index;
    if (state.selected) values.finding = listed().indexOf(state.selected);
  }
  history.replaceState(null, "", addressOf(values));
}

// Show what the address says.
function follow() {
  const values = new URLSearchParams(location.hash.slice(1));
  const several = page.images.length > 1 || page.evaluation;
  const preferred = page.compared && several ? tabs[0] : "images";
  const tab = tabs.includes(values.get("tab")) ? values.get("tab") : preferred;
  const isBack = drawn.has(tab) && values.size < 2; // a link to the tab, as it was
  openTab(tab);
  if (isBack) remember();
  else if (tab === "objects") setFilters(values);
  if (isBack || tab !== "images" || !page.images.length) return;
  const index = Number(values.get("image"));
  const finding = values.has("finding") ? Number(values.get("finding")) : null;
  show(index in page.images ? index : 0, finding);
}

function openTab(name) {
  state.tab = name;
  for (const tab of Object.keys(TABS)) $(`tab-${tab}`).hidden = tab !== name;
  for (const link of $("tabs").children) {
    if (link.dataset.tab === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!drawn.has(name)) TABS[name][2]();
  drawn.add(name);
}

function startTabs() {
  for (const name of tabs.length > 1 ? tabs : []) {
    const link = element("a", { textContent: TABS[name][0], href: addressOf({ tab: name }) });
    link.dataset.tab = name;
    $("tabs").append(link);
  }
  window.addEventListener("hashchange", follow);
  follow();
}

start();
