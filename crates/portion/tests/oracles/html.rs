//! HTML as html5lib reads it: what is put changes nothing beside it.

use portion::{Format, Fragment, Scheme, get, list, put};

use super::files;
use super::office::python;

const LINES: &[&str] = &[
    "<p id=a>one <b>two</b></p>",
    "<p id=b>open",
    "<div id=c>\n  <ul>\n    <li>1\n    <li>2</li>\n  </ul>\n</div>",
    "<table id=d><tr><td id=e>x<td>y</table>",
    "<table>moved<tr><td>z</table>",
    "<pre id=f>\n  kept\n</pre>",
    "<b><i id=g>crossed</b> over</i>",
    "<section id=h>\n  <h2 id=i>H</h2>\n  text\n</section>",
    "<!-- comment -->",
    "<a href=q id=j>link</a> after",
    "<script id=k>if (a < b) {}</script>",
    "<svg id=l><circle r=1 /></svg>",
    "<select id=m><option>1<option id=n>2</select>",
];

const NEW: &[&str] = &[
    "<p id=X>new</p>",
    "<div id=X>\n  <p>a\n  <p>b\n</div>",
    "<td id=X>cell</td>",
    "<span id=X>a &amp; b</span>",
    "<a id=X><b>x</b></a>",
    "<tr id=X><td>x</tr>",
    "<li id=X>item</li>",
    "<i id=X>open",
    "<table id=X>moved<tr></table>",
];

/// Whether the two are the same tree but for the element of an id. White space may differ where lines moved.
const SAME_BESIDE: &str = "
import sys
try:
    import html5lib
except ImportError:
    sys.stderr.write('html5lib'); sys.exit(9)
import json
def tree(e, wanted):
    if e.tag is html5lib.constants.namespaces or not isinstance(e.tag, str):
        return ['!', e.text, e.tail]
    if e.get('id') == wanted:
        return ['here', e.tail]
    return [e.tag, sorted(e.attrib.items()), e.text, [tree(c, wanted) for c in e], e.tail]
def read(text, wanted):
    root = html5lib.parse(text, treebuilder='etree', namespaceHTMLElements=False)
    found = len(root.findall('.//*[@id=\"%s\"]' % wanted))
    return [found, tree(root, wanted)]
def same(before, after, wanted):
    a, b = read(before, wanted), read(after, wanted)
    return a == b and a[0] == 1
print(json.dumps([same(*case) for case in json.load(sys.stdin)]))
";

#[test]
fn what_is_put_is_read_there_and_nothing_else_changes() {
    let mut puts = Vec::new();
    for lines in files(80, LINES) {
        let file = format!("<!DOCTYPE html>\n<html><head><title>T</title></head><body>\n{lines}</body></html>\n");
        let Ok(items) = list(Scheme::Html, file.as_bytes()) else { panic!("{file}") };
        let named = items.iter().filter_map(|item| Some((item.selector.as_str(), item.selector.strip_prefix('#')?)));
        for (selector, id) in named {
            get(Scheme::Html, file.as_bytes(), selector).unwrap();
            for new in NEW {
                let text = new.replace("id=X", &format!("id={id}")).into_bytes();
                let new = Fragment { format: Format::Html, text };
                let Ok(Some(after)) = put(Scheme::Html, file.as_bytes(), selector, &new) else { continue };
                puts.push((file.clone(), String::from_utf8(after).unwrap(), id.to_owned()));
            }
        }
    }
    assert!(puts.len() > 500, "only {} puts", puts.len());
    let Some(same) = python(SAME_BESIDE, &serde_json::to_vec(&puts).unwrap()) else { return };
    let same: Vec<bool> = serde_json::from_value(same).unwrap();
    let differs: Vec<_> = puts.iter().zip(same).filter(|(_, same)| !same).take(3).collect();
    assert!(differs.is_empty(), "{differs:#?}");
}
