//! XML as Python's expat reads it: the same texts are well-formed, and what is put changes nothing beside it.

use portion::{Format, Fragment, LensError, Scheme, get, list, put};

use super::{files, output};

/// Parts that make sound documents now and then, and unsound ones mostly.
const PARTS: &[&str] = &[
    "<a>",
    "</a>",
    "<b c='1'>",
    "</b>",
    "<d/>",
    "<e f = \"&lt;\"\n g='h'/>",
    "text",
    " ]] > ",
    "]]>",
    "&amp;",
    "&#65;",
    "&#x1F980;",
    "&no;",
    "&#1;",
    "& ",
    "<!-- c -->",
    "<!-- - -- -->",
    "<?p i?>",
    "<?xml version='1.0'?>",
    "<![CDATA[ <&]] ]]>",
    "<x y='1' y='2'/>",
    "<x y='<'/>",
    "<x y=1/>",
    "<x y/>",
    "< x/>",
    "<x y='1'z='2'/>",
    "</a >",
    "</ a>",
    "<a b='&quot;'>",
    "é",
    "<é-1.:/>",
    "<1/>",
    "\u{FFFE}",
    "<x y='a\nb'/>",
    "<?p?>",
    "<??>",
    "<!DOCTYPE a>",
    "<!-->",
    "<x\ty='>'\r\n/>",
];

const WELL_FORMED: &str = "
import json, sys
from xml.parsers import expat
def read(text):
    parser = expat.ParserCreate()
    try:
        parser.Parse(text.encode(), True)
        return True
    except expat.ExpatError:
        return False
print(json.dumps([read(text) for text in json.load(sys.stdin)]))
";

#[test]
fn the_same_texts_are_well_formed() {
    let mut texts = files(4000, PARTS);
    // Sound ones with something within.
    texts.extend(files(4000, PARTS).iter().map(|text| {
        let short: Vec<&str> = text.lines().take(3).collect();
        format!("<?xml version='1.0'?>\n<r>{}</r>\n", short.concat())
    }));
    let Some(output) = output("python3", &["-c", WELL_FORMED], &serde_json::to_vec(&texts).unwrap()) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let theirs: Vec<bool> = serde_json::from_slice(&output.stdout).unwrap();
    for (text, theirs) in texts.iter().zip(&theirs) {
        let ours = match list(Scheme::Xml, text.as_bytes()) {
            Ok(_) => true,
            Err(LensError::Unparsable { .. }) => false,
            Err(other) => panic!("{other}\n{text}"),
        };
        assert_eq!(ours, *theirs, "\n{text}");
    }
    let sound = theirs.iter().filter(|sound| **sound).count();
    assert!(sound > 500 && theirs.len() - sound > 500, "{sound} of {} are sound", theirs.len());
}

/// Documents of a few lines each, sound whatever the choice.
const LINES: &[&str] = &[
    "  <one id='1'/>",
    "  <two>text</two>",
    "  <three a=\"&lt;\">\n    <four>x</four>\n    <four>y</four>\n  </three>",
    "  <!-- comment -->",
    "  <p:five p:a='b'><six/> </p:five>",
    "  <seven><![CDATA[<raw>\n]]></seven>",
    "  <eight>\n    text <b>bold</b>\n  </eight>",
    "  <?pi x?>",
    "  <nine xmlns='urn:9'><ten/></nine>",
];

const NEW: &[&str] = &[
    "<one id='1'>&lt;new&gt;</one>",
    "<two>\n  <x/>\n</two>",
    "<three>\n  <four>z</four>\n  text\n</three>",
    "<p:five xmlns:p='urn:p'>5</p:five>",
    "<seven/>",
    "<eight xmlns='urn:8'>8</eight>",
    "<nine a='\"'/>",
];

/// Whether a document is the other one with one element in another's place. White space between elements is layout.
const SAME_BESIDE: &str = "
import json, sys
from xml.etree import ElementTree as ET
def tree(e):
    kids = [tree(c) for c in e]
    white = lambda t: t if t and t.strip() else ''
    mixed = any((c.tail or '').strip() for c in e) or (e.text or '').strip()
    text = (e.text or '') if not kids else white(e.text)
    tails = [white(c.tail) for c in e]
    return [e.tag, sorted(e.attrib.items()), text, kids, tails]
def replaced(t, old, new):
    if t == old:
        yield new
    for i, kid in enumerate(t[3]):
        for other in replaced(kid, old, new):
            yield t[:3] + [t[3][:i] + [other] + t[3][i + 1:]] + t[4:]
read = lambda text: tree(ET.fromstring(text.encode()))
print(json.dumps([read(after) in list(replaced(read(before), read(old), read(new))) for before, after, old, new in json.load(sys.stdin)]))
";

#[test]
fn what_is_put_is_read_there_and_nothing_else_changes() {
    let mut puts = Vec::new();
    for lines in files(300, LINES) {
        let file = format!("<?xml version='1.0'?>\n<r xmlns='urn:d' xmlns:p='urn:p'>\n{lines}</r>\n");
        let items = list(Scheme::Xml, file.as_bytes()).unwrap();
        for (item, text) in items.iter().flat_map(|item| NEW.iter().map(move |new| (item, new))) {
            let standing = get(Scheme::Xml, file.as_bytes(), &item.selector).unwrap();
            let new = Fragment { format: Format::Xml, text: text.as_bytes().to_vec() };
            let Ok(Some(after)) = put(Scheme::Xml, file.as_bytes(), &item.selector, &new) else { continue };
            let stands = get(Scheme::Xml, &after, &item.selector).unwrap();
            let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
            puts.push([file.clone(), text(after), text(standing.text), text(stands.text)]);
        }
    }
    assert!(puts.len() > 300, "only {} puts", puts.len());
    let Some(output) = output("python3", &["-c", SAME_BESIDE], &serde_json::to_vec(&puts).unwrap()) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let same: Vec<bool> = serde_json::from_slice(&output.stdout).unwrap();
    let differs = puts.iter().zip(same).find(|(_, same)| !same);
    assert!(differs.is_none(), "{differs:#?}");
}
