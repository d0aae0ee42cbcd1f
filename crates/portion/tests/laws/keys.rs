//! Files of lines, of every style.

use portion::Scheme;
use proptest::prelude::*;

/// Files of lines that are chosen from `lines`, with either line end, with and without a BOM and a final line end.
fn of_lines(lines: &'static [&'static str]) -> BoxedStrategy<Vec<u8>> {
    let lines = prop::collection::vec(prop::sample::select(lines), 0..14);
    (lines, any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.8))
        .prop_map(|(lines, crlf, bom, final_end)| {
            let mut text = lines.join("\n");
            if final_end && !text.is_empty() {
                text.push('\n');
            }
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            format!("{}{text}", if bom { "\u{feff}" } else { "" }).into_bytes()
        })
        .boxed()
}

pub(crate) fn files(scheme: Scheme) -> BoxedStrategy<Vec<u8>> {
    match scheme {
        Scheme::Ini => of_lines(INI),
        Scheme::Env => of_lines(ENV),
        Scheme::GitConfig => of_lines(GIT),
        Scheme::SshConfig => of_lines(SSH),
        Scheme::Hosts => of_lines(HOSTS),
        Scheme::Systemd => of_lines(SYSTEMD),
        Scheme::Desktop => of_lines(DESKTOP),
        Scheme::Properties => of_lines(PROPERTIES),
        other => panic!("{other} is no format of lines"),
    }
}

const DESKTOP: &[&str] = &[
    "",
    "# c",
    "[Desktop Entry]",
    "[Desktop Action a/b]",
    "Name=App",
    "Name[de]=Anwendung",
    "Name[sr@latin] = x",
    "Comment=a\\nb\\\\c\\s",
    "Exec=sh -c \"x %u\"",
    "MimeType=text/plain;a\\;b;",
    "Empty=",
    "Trail=x ",
    "NoDisplay",
    "Icon=é=ü",
    "Odd=\\q\\",
];

const INI: &[&str] = &[
    "",
    "",
    "# c",
    "; c",
    "  # c",
    "[a]",
    "[b]",
    "[b/~]",
    " [c] ; x",
    "[d]]",
    "k=1",
    "l = 2",
    "m : x = y",
    "n=",
    "o =",
    "é=ü",
    "p = one\n  two",
    "q=\n\t1\n\n\t2\n",
    "r\nz=1",
    "s/t = ~0",
    "  u = deep",
    "\tv=tab",
];

const ENV: &[&str] = &[
    "",
    "# c",
    "A=1",
    "B = 2 # c",
    "export C=3",
    "D='x y'",
    "E=\"a\\n\\\"b\\\" $X\"",
    "F=\"two\nlines\n\n\"",
    "G='two\n  lines' # c",
    "H",
    "export I=",
    "J=#x",
    "K=é",
    "  L=in",
    "M=\"\\$x\\\\\"",
    "N=it's",
    "O.p-q=1",
];

const GIT: &[&str] = &[
    "",
    "# c",
    "; c",
    "[core]",
    "[CORE]",
    "[remote \"a\"]",
    "[remote \"b\\\"/\\\\\"]",
    "[old.Sub]",
    "[remote]",
    "\tk = 1",
    "\tl=2",
    "\tk = \"q ; \\\" \"",
    "\tm",
    "\tn = a b ; c",
    "  o = x\\ty\\n",
    "\tp = a\\\n  b",
    "\tK = 3",
    "\tq =",
    "\tr = \"\" x",
    "[t] u = v",
];

const SSH: &[&str] = &[
    "",
    "# c",
    "User me",
    "Port=22",
    "  Port = 23",
    "\tHostName \"x y\"",
    "Host a",
    "host b  *.c # c",
    "Match all",
    "Match host x exec \"t 1\"",
    "Host *",
    "\tSendEnv A",
    "    SendEnv B C",
    "  IdentityFile ~/k # c",
    "  LocalForward 1 a:2",
    "Compression",
];

const HOSTS: &[&str] = &[
    "",
    "# c",
    "127.0.0.1 localhost",
    "127.0.0.1\tlocalhost  x # c",
    "::1 localhost",
    "::1   ip6 six",
    "  10.0.0.1 in",
    "10.0.0.2",
];

const SYSTEMD: &[&str] = &[
    "",
    "# c",
    "; c",
    "[Unit]",
    "[Service]",
    "[Install]",
    "After=a b",
    "After=",
    "Environment=\"A=1\"",
    "ExecStart=/bin/a \\\n  b \\\n# c\n  c",
    "Type = oneshot",
    "  X=1",
    "Y=%i\\\\",
    "Z",
];

const PROPERTIES: &[&str] = &[
    "",
    "# c",
    "! c",
    "a=1",
    "b : 2",
    "c 3",
    "d",
    "e=",
    "f.g = x \\\n    y",
    "h\\ i=\\u00e9\\ud83d\\ude00",
    "j=é",
    "k=\\  lead",
    "l=t\\tn\\n",
    "m\\=n:o=p",
    "  q = in",
    "r=end ",
    "s=\\\n  late",
];

/// Files with marked regions, one within another, and text that looks like them.
pub(crate) fn marked() -> BoxedStrategy<Vec<u8>> {
    let line =
        prop::sample::select(vec!["x", "", "  y", "\tz", "see inlay:begin a", "é # not", "    deep", "  ", "\r"]);
    let lines = || prop::collection::vec(line.clone(), 0..4);
    let region = (lines(), prop::option::of(lines()), lines(), prop::sample::select(vec!["# ", "  // ", "\t<!-- "]));
    (lines(), prop::collection::vec(region, 0..4), any::<bool>(), prop::bool::weighted(0.8))
        .prop_map(|(head, regions, crlf, final_end)| {
            let mut out: Vec<String> = head.into_iter().map(str::to_owned).collect();
            for (at, (before, nested, after, sign)) in regions.into_iter().enumerate() {
                let indent: String = sign.chars().take_while(|c| c.is_whitespace()).collect();
                let body = |line: &str| if at % 2 == 0 { format!("{indent}{line}") } else { line.to_owned() };
                out.push(format!("{sign}inlay:begin n{at} -->"));
                out.extend(before.into_iter().map(body));
                if let Some(nested) = nested {
                    out.push(format!("{sign}inlay:begin n{at}/in"));
                    out.extend(nested.into_iter().map(body));
                    out.push(format!("{sign}inlay:end n{at}/in"));
                }
                out.extend(after.into_iter().map(body));
                out.push(format!("{sign}inlay:end n{at} -->"));
            }
            let mut text = out.join("\n");
            if final_end {
                text.push('\n');
            }
            if crlf { text.replace('\n', "\r\n") } else { text }.into_bytes()
        })
        .boxed()
}

/// Any text.
pub(crate) fn plain() -> BoxedStrategy<Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec!["a", "é", "\n", "\r\n", "\r", "\t", " "]), 0..12)
        .prop_map(|parts| parts.concat().into_bytes())
        .boxed()
}

/// Lines whose values go on over what looks like nothing: blanks, comments, the end of the file.
fn continued() -> impl Strategy<Value = (Scheme, Vec<u8>)> {
    let scheme = prop::sample::select(&[Scheme::Systemd, Scheme::Properties, Scheme::GitConfig, Scheme::Ini][..]);
    let piece = prop::sample::select(
        &[
            "[Unit]\n",
            "A=/bin/a \\\n",
            "  A = x\\\n",
            "B=\\",
            "\\\n",
            "\\\r\n",
            "  ",
            "\t",
            " \n",
            "\n",
            "\r\n",
            "\r",
            "# c\n",
        ][..],
    );
    let tail = prop::sample::select(&["\n", "  b \\\n", " c\n", "C=1\n", "", "\u{c}", "\\", " ; d", "\u{feff}"][..]);
    (scheme, prop::collection::vec(prop_oneof![3 => piece, 1 => tail], 0..9))
        .prop_map(|(scheme, pieces)| (scheme, format!("[Unit]\n{}", pieces.concat()).into_bytes()))
}

/// GetPut where a value ends in a continuation; and what `tidy` makes it leaves as it is.
#[test]
fn continuations_that_lead_nowhere() {
    super::run(continued(), |(scheme, file)| {
        let mut selectors: Vec<String> = vec![String::new()];
        selectors.extend(portion::list(scheme, &file).into_iter().flatten().map(|item| item.selector));
        for selector in selectors {
            let Ok(fragment) = portion::get(scheme, &file, &selector) else { continue };
            let tidy = |text: &[u8]| fragment.format.tidy(text).map(|text| super::text(&text));
            prop_assert_eq!(tidy(&fragment.text), Ok(super::text(&fragment.text)), "{}:{}", scheme, &selector);
            prop_assert_eq!(portion::put(scheme, &file, &selector, &fragment), Ok(None), "{}:{}", scheme, &selector);
        }
        // Of any text.
        let format = portion::Format::from_name(scheme.name()).unwrap();
        if let Ok(once) = format.tidy(&file) {
            prop_assert_eq!(format.tidy(&once).map(|text| super::text(&text)), Ok(super::text(&once)));
        }
        Ok(())
    });
}

/// Found by a user.
#[test]
fn a_continuation_that_ends_with_blanks() {
    let file = b"[Unit]\nExecStart=/bin/a \\\n  ";
    for selector in ["", "/Unit", "/Unit/ExecStart"] {
        let fragment = portion::get(Scheme::Systemd, file, selector).unwrap();
        assert_eq!(portion::put(Scheme::Systemd, file, selector, &fragment), Ok(None), "{selector}");
    }
}
