"""What axe-core, which comes with a package and fetches nothing, finds wrong with a page."""

from axe_playwright_python.base import AXE_SCRIPT

GRAVE = ("serious", "critical")
RUN = """async ([where, without]) => {
  // axe-core takes JupyterLab's body, which is 0 high, for hidden, and what is in it: no contrast.
  const {style} = document.body, {overflow} = style;
  style.overflow = "visible";
  const {violations} = await axe.run(where ?? document, {
    preload: false, resultTypes: ["violations"],
    rules: Object.fromEntries(without.map(rule => [rule, {enabled: false}]))});
  style.overflow = overflow;
  return violations.flatMap(({impact, id, nodes}) => nodes.map(({target, html}) =>
    ({impact, id, what: target.join(" ") + ": " + html.slice(0, 120)})));
}"""


def faults(page, where=None, without=()):
    """Return what is serious or critical of a page, or of what some selectors name, in words."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(RUN, [where and {"include": where}, list(without)])
    return [f"{one['id']}: {one['what']}" for one in found if one["impact"] in GRAVE]
