//! Python's own parser on Python files, node's on JavaScript, bash's on shell scripts: what was put is there, and the rest is as it was.

use portion::{Fragment, Scheme, get, list, put, remove};
use serde_json::{Value as Json, json};

use super::output;

const PYTHON: &[&str] = &[
    "def a(x):\n    '''one\n  two'''\n    return x\n",
    "@d\nclass K:\n    # first\n    n = 1\n\n    @property\n    def a(self):\n        return f'''\n{self.n}\n  x'''\n\n    async def b(self): pass\n",
    "A = '''\n x\n'''\n",
    "if True:\n\tdef b():\n\t\t# c\n\t\treturn (1,\n\t\t\t2)\n",
    "import os\n\n\n",
    "# above\nB: int = [\n    1,\n]  # behind\n",
];

const JAVASCRIPT: &[&str] = &[
    "function a(x) {\n  return `one\n  ${x}\n two`;\n}\n",
    "class K {\n  // first\n  n = 1;\n\n  a() { return /x/; }\n}\n",
    "const A = 1\n",
    "if (true) {\n\tfunction b() {\n\t\treturn 1\n\t}\n}\n",
    "// above\nlet B = [\n  1,\n]; // behind\n",
];

const BASH: &[&str] = &[
    "a() {\n  cat <<EOF\none\n  two $x\nEOF\n}\n",
    "A=1\n",
    "if true; then\n  b() { echo 'x\n y'; }\nfi\n",
    "# above\nfunction k {\n\tcat <<-'EOF'\n\tx\n\tEOF\n}\n",
    "export B=(1\n 2)\n",
];

/// What is put in place of an item that is written so.
fn edited(scheme: Scheme, text: &str) -> Option<String> {
    let body = match scheme {
        Scheme::Python => "    '''new\n  text'''\n    if x:\n        return (1,\n    2)\n",
        Scheme::JavaScript => "  if (x) {\n    return `new\n  text`;\n  }\n",
        _ => "  cat <<EOF\nnew\n  text\nEOF\n",
    };
    let head = text.lines().find(|line| {
        let line = line.trim_start();
        ["def ", "async def ", "function ", "a()", "b()"].iter().any(|start| line.starts_with(start))
    })?;
    let head = &head[..head.find(if scheme == Scheme::Python { "):" } else { "{" })?];
    Some(match scheme {
        Scheme::Python => format!("# new\n{head}):\n{body}"),
        Scheme::JavaScript => format!("// new\n{head}{{\n{body}}}\n"),
        _ => format!("# new\n{head}{{\n{body}}}\n"),
    })
}

/// Every order of three of the parts, and what becomes of each when one item of it is edited or removed:
/// the file before and after, the selector, what was put.
fn cases(scheme: Scheme, parts: &[&str]) -> Vec<(String, String, String, Option<String>)> {
    let mut cases = Vec::new();
    for nth in 0..parts.len() * parts.len() {
        let (first, second) = (nth / parts.len(), nth % parts.len());
        let file = [parts[first], "\n", parts[second], parts[(first + second + 1) % parts.len()]].concat();
        for item in list(scheme, file.as_bytes()).unwrap() {
            let standing = get(scheme, file.as_bytes(), &item.selector).unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            if let Some(new) = edited(scheme, &text(&standing.text)) {
                let fragment = Fragment { format: standing.format, text: new.clone().into_bytes() };
                // A class is not edited as if it were its first method.
                if let Ok(Some(after)) = put(scheme, file.as_bytes(), &item.selector, &fragment) {
                    cases.push((file.clone(), text(&after), item.selector.clone(), Some(new)));
                }
            }
            if let Ok(after) = remove(scheme, file.as_bytes(), &item.selector) {
                cases.push((file.clone(), text(&after), item.selector.clone(), None));
            }
        }
    }
    assert!(cases.iter().filter(|case| case.3.is_some()).count() > 20, "too little was put");
    cases
}

/// Tells for each case what is wrong with it. The item is taken out of both trees, which must then be equal, and what stands
/// there afterwards must be what the fragment is by itself.
const AST: &str = "
import ast, json, sys
def taken(body, steps):
    found = 0
    for node in ast.walk(body):
        for name, block in ast.iter_fields(node):
            if not isinstance(block, list): continue
            for at, inner in enumerate(block):
                own = getattr(inner, 'name', None)
                if own is None and isinstance(inner, ast.Assign): own = getattr(inner.targets[0], 'id', None)
                if own is None and isinstance(inner, ast.AnnAssign): own = getattr(inner.target, 'id', None)
                inner.path = getattr(node, 'path', []) + ([own] if own else [])
                if own and inner.path == steps:
                    found += 1
                    if found == number: return node, block, at
            for inner in block:
                if not hasattr(inner, 'path'):
                    try: inner.path = getattr(node, 'path', [])
                    except AttributeError: pass
def check(before, after, selector, new):
    global number
    number = 1
    if selector.endswith(']'):
        selector, _, nth = selector[:-1].rpartition('[')
        number = int(nth)
    steps = [step.split(':', 1)[1] for step in selector.split('/')]
    old, now = ast.parse(before), ast.parse(after)
    _, block, at = taken(old, steps)
    del block[at]
    if new is not None:
        _, block, at = taken(now, steps)
        if ast.dump(block[at]) != ast.dump(ast.parse(new).body[0]): return 'something else was put'
        del block[at]
    if ast.dump(old) != ast.dump(now): return 'the rest changed'
out = []
for before, after, selector, new in json.load(sys.stdin):
    try: out.append(check(before, after, selector, new))
    except SyntaxError as e: out.append(str(e))
json.dump(out, sys.stdout)
";

#[test]
fn python_reads_what_was_put() {
    let cases = cases(Scheme::Python, PYTHON);
    let input = serde_json::to_vec(&cases).unwrap();
    let Some(read) = output("python3", &["-c", AST], &input) else { return };
    let said: Vec<Option<String>> = serde_json::from_slice(&read.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&read.stderr)));
    assert_eq!(said.len(), cases.len());
    for (case, said) in cases.iter().zip(said) {
        assert_eq!(said, None, "{case:?}");
    }
}

#[test]
fn node_reads_what_was_put() {
    let cases = cases(Scheme::JavaScript, JAVASCRIPT);
    let files: Json = cases.iter().map(|(_, after, ..)| json!(after)).collect();
    let script = "
        const files = JSON.parse(require('fs').readFileSync(0));
        const vm = require('vm');
        console.log(JSON.stringify(files.map(f => { try { new vm.Script(f); return null } catch (e) { return String(e) } })));";
    let Some(read) = output("node", &["-e", script], files.to_string().as_bytes()) else { return };
    let said: Vec<Option<String>> = serde_json::from_slice(&read.stdout).unwrap();
    for (case, said) in cases.iter().zip(said) {
        // The parts themselves may declare one name twice.
        let is_wrong = said.as_ref().is_some_and(|said| !said.contains("already been declared"));
        assert!(!is_wrong, "{said:?}: {case:?}");
    }
}

#[test]
fn bash_reads_what_was_put() {
    for case in cases(Scheme::Bash, BASH) {
        let Some(read) = output("bash", &["-n"], case.1.as_bytes()) else { return };
        assert!(read.status.success() && read.stderr.is_empty(), "{case:?}: {}", String::from_utf8_lossy(&read.stderr));
    }
}
