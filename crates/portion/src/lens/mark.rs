//! Marked regions of any text file: the lines between a line that holds `inlay:begin NAME` and one that holds `inlay:end NAME`.
//!
//! A marker stands in a comment of its own line, whatever the file's comments look like: before it there are no letters or
//! digits (`rem` and `dnl` apart), after the name anything. A name consists of letters, digits and `. _ - / : @ +`, begins and ends
//! with none of the hyphens.
//!
//! The fragment is dedented by the indentation of the line that begins the region, with LF; empty lines carry none. If some line is indented
//! less, the lines are taken as they stand. A region of another name inside is content.

use std::collections::{BTreeMap, BTreeSet};

use memchr::memmem;

use super::body;
use super::{BOM, Edit, Format, Fragment, Item, Lens, LensError, MAX_PORTION, Position, Span};
use crate::selector::Scheme;
use crate::value::Value;

/// How much of a file is looked at to guess how its comments are written.
const SAMPLE: usize = 64 << 10;

pub(crate) struct Mark;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Begin,
    End,
}

/// One marker of any name.
#[derive(Debug)]
struct Marker<'a> {
    kind: Kind,
    name: &'a [u8],
    /// Its whole line, with its line end.
    line: Span,
}

/// A region whose markers are one pair.
struct Region {
    begin: Span,
    end: Span,
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'.' | b'_' | b'-' | b'/' | b':' | b'@' | b'+')
}

/// The name that `text` begins with: empty if there is none. A hyphen at the end belongs to the comment (`x-->`).
fn leading_name(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|b| !is_name_byte(*b)).unwrap_or(text.len());
    let name = &text[..end];
    let end = name.iter().rposition(|b| *b != b'-').map_or(0, |at| at + 1);
    if name.starts_with(b"-") { b"" } else { &name[..end] }
}

/// Where the line starts that holds a marker at `at`, if only comment signs stand before it.
fn line_start(text: &[u8], at: usize) -> Option<usize> {
    if matches!(text[..at].last(), Some(b'"' | b'\'' | b'`')) {
        return None;
    }
    let word = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80;
    let start = text[..at].iter().rposition(|b| *b == b'\n' || word(b));
    let Some(stop) = start else { return Some(0) };
    if text[stop] == b'\n' {
        return Some(stop + 1);
    }
    let before = &text[..=stop];
    if before.ends_with(BOM) && stop + 1 == body::bom(text) {
        return Some(stop + 1);
    }
    // `REM` in batch files, `dnl` in m4.
    let rest = before.len().checked_sub(3).map(|three| before.split_at(three));
    let (before, word) = rest?;
    if !word.eq_ignore_ascii_case(b"rem") && !word.eq_ignore_ascii_case(b"dnl") {
        return None;
    }
    let blanks = before.iter().rev().take_while(|b| matches!(b, b' ' | b'\t' | b'@')).count();
    let start = before.len() - blanks;
    (start == body::bom(text) || text[..start].ends_with(b"\n")).then_some(start)
}

/// What every marker holds.
const WORD: &[u8] = b"inlay:";
/// Colons that are this far apart, in bytes, cost less to look at one by one than the search for the whole word does.
const SELDOM: usize = 1 << 10;

/// Where the [`WORD`]s of `text` end. One pass, as fast as memory is read where colons are seldom: a search for one byte is
/// faster by a quarter than one for several.
fn words(text: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let (mut from, mut colons) = (0, 0);
    let finder = memmem::Finder::new(WORD);
    std::iter::from_fn(move || {
        while colons * SELDOM <= from + SAMPLE {
            from += memchr::memchr(b':', &text[from..])? + 1;
            colons += 1;
            if text[..from].ends_with(WORD) {
                return Some(from);
            }
        }
        from += finder.find(&text[from..])? + WORD.len();
        Some(from)
    })
}

/// All markers of `text`, in its order, without looking at lines that hold none.
fn markers(text: &[u8]) -> impl Iterator<Item = Marker<'_>> {
    let (mut words, mut passed) = (words(text), 0);
    std::iter::from_fn(move || {
        loop {
            let from = words.find(|from| from - WORD.len() >= passed)?;
            let at = from - WORD.len();
            let rest = &text[from..];
            let (kind, rest) = match (rest.strip_prefix(b"begin"), rest.strip_prefix(b"end")) {
                (Some(rest), _) => (Kind::Begin, rest),
                (_, Some(rest)) => (Kind::End, rest),
                _ => continue,
            };
            let blanks = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            let name = leading_name(&rest[blanks..]);
            if blanks == 0 || name.is_empty() {
                continue;
            }
            let Some(start) = line_start(text, at) else { continue };
            let after = text.len() - rest.len() + blanks + name.len();
            let end = memchr::memchr(b'\n', &text[after..]).map_or(text.len(), |at| after + at + 1);
            passed = end;
            return Some(Marker { kind, name, line: start..end });
        }
    })
}

fn checked(expression: &str) -> Result<&[u8], LensError> {
    let name = expression.as_bytes();
    if name.is_empty() || leading_name(name) != name {
        return Err(LensError::Selector {
            scheme: "mark",
            selector: expression.to_owned(),
            why: "a name consists of letters, digits and `. _ - / : @ +`, and neither begins nor ends with a hyphen"
                .to_owned(),
        });
    }
    Ok(name)
}

/// The markers of one name.
#[derive(Default)]
struct Pair {
    begins: Vec<Span>,
    ends: Vec<Span>,
}

impl Pair {
    fn add(&mut self, marker: Marker<'_>) {
        match marker.kind {
            Kind::Begin => self.begins.push(marker.line),
            Kind::End => self.ends.push(marker.line),
        }
    }

    /// The one region that they make.
    fn region(&self, file: &[u8], name: &str) -> Result<Region, LensError> {
        let unparsable = |span: &Span, found: String| Err(LensError::unparsable(file, span.start, found));
        match (&self.begins[..], &self.ends[..]) {
            ([], []) => Err(LensError::Missing { selector: name.to_owned(), nearest: Vec::new() }),
            ([begin], [end]) if begin.end <= end.start => {
                let size = end.start - begin.end;
                if size > MAX_PORTION {
                    return Err(LensError::TooLarge(format!("the region holds {size} bytes, more than {MAX_PORTION}")));
                }
                Ok(Region { begin: begin.clone(), end: end.clone() })
            }
            ([], [end, ..]) => unparsable(end, format!("`inlay:end {name}` ends a region that never began")),
            ([begin], []) => unparsable(begin, format!("`inlay:begin {name}` has no `inlay:end {name}`")),
            ([begin], [first, others @ ..]) => {
                let stray = if first.start < begin.start { first } else { others.first().unwrap_or(first) };
                unparsable(stray, format!("this `inlay:end {name}` ends no region"))
            }
            (several, _) => Err(LensError::Ambiguous {
                selector: name.to_owned(),
                lines: body::line_numbers(file, several.iter().map(|span| span.start)),
            }),
        }
    }
}

/// The markers of every name.
fn pairs(file: &[u8]) -> BTreeMap<&[u8], Pair> {
    let mut pairs: BTreeMap<&[u8], Pair> = BTreeMap::new();
    markers(file).for_each(|marker| pairs.entry(marker.name).or_default().add(marker));
    pairs
}

fn located(file: &[u8], expression: &str) -> Result<Region, LensError> {
    let name = checked(expression)?;
    let mut pair = Pair::default();
    markers(file).filter(|marker| marker.name == name).for_each(|marker| pair.add(marker));
    match pair.region(file, expression) {
        Err(LensError::Missing { .. }) => {
            let begins = markers(file).filter(|marker| marker.kind == Kind::Begin);
            Err(LensError::missing(expression, begins.filter_map(|marker| std::str::from_utf8(marker.name).ok())))
        }
        found => found,
    }
}

/// The indentation that the lines of a region carry: that of its first marker, if every line has it.
fn indent_of<'a>(file: &'a [u8], region: &Region) -> &'a [u8] {
    let start = region.begin.start.max(body::bom(file));
    body::indentation(&file[start..region.begin.end])
}

fn taken(file: &[u8], region: &Region) -> Fragment {
    let lines = &file[region.begin.end..region.end.start];
    let indent = indent_of(file, region);
    let indent = if body::can_dedent(lines, indent) { indent } else { b"" };
    Fragment { format: Format::Text, text: body::taken(lines, indent) }
}

fn planned(file: &[u8], region: &Region, expression: &str, new: &[u8]) -> Result<Vec<Edit>, LensError> {
    refuse_own_marker(new, expression)?;
    let span = region.begin.end..region.end.start;
    refuse_others_marker(new, file, &span)?;
    let indent = indent_of(file, region);
    // Lines that stand without the indentation stay so, unless what is put would then be read as indented.
    let plain = !body::can_dedent(&file[span.clone()], indent) && !body::can_dedent(new, indent);
    Ok(body::replaced(file, &span, if plain { b"" } else { indent }, new))
}

impl Lens for Mark {
    fn get(&self, file: &[u8], expression: &str) -> Result<Fragment, LensError> {
        Ok(taken(file, &located(file, expression)?))
    }

    fn put(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        planned(file, &located(file, expression)?, expression, &fragment.text)
    }

    fn replace(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<(Fragment, Vec<Edit>), LensError> {
        let region = located(file, expression)?;
        let standing = taken(file, &region);
        let same = standing == *fragment;
        let edits = if same { Vec::new() } else { planned(file, &region, expression, &fragment.text)? };
        Ok((standing, edits))
    }

    fn insert(&self, file: &[u8], expression: &str, fragment: &Fragment) -> Result<Vec<Edit>, LensError> {
        self.insert_in("", file, expression, fragment)
    }

    fn insert_in(
        &self,
        path: &str,
        file: &[u8],
        expression: &str,
        fragment: &Fragment,
    ) -> Result<Vec<Edit>, LensError> {
        checked(expression)?;
        let new = &fragment.text[..];
        refuse_own_marker(new, expression)?;
        refuse_others_marker(new, file, &(file.len()..file.len()))?;
        let (open, close) = comment(path, file)?;
        let mut text = format!("{open}inlay:begin {expression}{close}\n").into_bytes();
        text.extend_from_slice(new);
        text.extend_from_slice(format!("{open}inlay:end {expression}{close}\n").as_bytes());
        Ok(body::replaced(file, &(file.len()..file.len()), b"", &text))
    }

    fn remove(&self, file: &[u8], expression: &str) -> Result<Vec<Edit>, LensError> {
        let region = located(file, expression)?;
        Ok(body::removed(file, &(region.begin.start..region.end.end)))
    }

    fn list(&self, file: &[u8]) -> Result<Vec<Item>, LensError> {
        let pairs = pairs(file);
        // What `get` refuses is left out.
        let regions = pairs.iter().filter_map(|(name, pair)| {
            let name = std::str::from_utf8(name).ok()?;
            Some((pair.region(file, name).ok()?, name))
        });
        let mut regions: Vec<_> = regions.collect();
        regions.sort_by_key(|(region, _)| region.begin.start);
        let mut counted = (0, 1);
        let item = |(region, name): (Region, &str)| {
            let first = counted.1 + newlines(&file[counted.0..region.begin.start]);
            counted = (region.begin.start, first);
            let last = first + newlines(&file[region.begin.start..region.end.start]);
            Item { selector: name.to_owned(), kind: "region", lines: (first, last) }
        };
        Ok(regions.into_iter().map(item).collect())
    }

    fn omitted(&self, file: &[u8]) -> Result<Vec<LensError>, LensError> {
        let pairs = pairs(file);
        let named = pairs.iter().filter_map(|(name, pair)| Some((std::str::from_utf8(name).ok()?, pair)));
        Ok(named.filter_map(|(name, pair)| pair.region(file, name).err()).collect())
    }

    fn fitted(&self, _file: &[u8], _expression: &str, fragment: Fragment) -> Fragment {
        Fragment { text: body::normal(&fragment.text), ..fragment }
    }

    fn format_for(&self, _expression: &str, _value: &Value) -> Format {
        Format::Text
    }

    fn apart(&self, _expression: &str) -> &'static str {
        "give each region a name of its own"
    }
}

/// The lines at the beginning of `text` that are its own: without blank lines at its end, which `blank` counts, and without markers
/// there whose other one is not in the text.
pub(super) fn without_others(text: &[u8], blank: impl Fn(&[u8]) -> usize) -> usize {
    let mut end = text.len() - blank(text);
    let mut begun: Option<BTreeSet<&[u8]>> = None;
    while let Some(line) = body::lines_back(&text[..end]).next() {
        let Some(marker) = markers(line).next() else { break };
        let names = || markers(text).filter(|marker| marker.kind == Kind::Begin).map(|marker| marker.name).collect();
        if marker.kind == Kind::End && begun.get_or_insert_with(names).contains(marker.name) {
            break;
        }
        end -= line.len();
        end -= blank(&text[..end]);
    }
    end
}

/// Refuses an edit that takes one of a region's markers away, and leaves the other.
pub(super) fn check_pairs(before: &[u8], after: &[u8]) -> Result<(), LensError> {
    let is_pair =
        |pair: &Pair| matches!((&pair.begins[..], &pair.ends[..]), ([begin], [end]) if begin.end <= end.start);
    let before = pairs(before);
    let after = if before.is_empty() { BTreeMap::new() } else { pairs(after) };
    let broken =
        before.into_iter().find(|(name, pair)| is_pair(pair) && after.get(name).is_some_and(|after| !is_pair(after)));
    match broken {
        None => Ok(()),
        Some((name, _)) => Err(LensError::Refused(format!(
            "the marked region `{}` would lose one of its two markers, or have one twice",
            String::from_utf8_lossy(name)
        ))),
    }
}

fn newlines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

fn refuse_own_marker(text: &[u8], expression: &str) -> Result<(), LensError> {
    match markers(text).find(|marker| marker.name == expression.as_bytes()) {
        None => Ok(()),
        Some(marker) => Err(LensError::Refused(format!(
            "line {} of the fragment is a marker of `{expression}` itself",
            Position::at(text, marker.line.start).line
        ))),
    }
}

/// Markers in the fragment must not be those of a region elsewhere in the file, which would then be ambiguous.
fn refuse_others_marker(text: &[u8], file: &[u8], span: &Span) -> Result<(), LensError> {
    let names: BTreeSet<&[u8]> = markers(text).map(|marker| marker.name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let outside = |marker: &Marker<'_>| marker.line.end <= span.start || marker.line.start >= span.end;
    match markers(file).find(|marker| outside(marker) && names.contains(marker.name)) {
        None => Ok(()),
        Some(marker) => Err(LensError::Refused(format!(
            "the fragment holds a marker of `{}`, which is another region of this file",
            String::from_utf8_lossy(marker.name)
        ))),
    }
}

/// What stands before and after the words of a comment in files of these extensions. What is not here is told by the content.
const COMMENTS: &[(&str, &str, &str)] = &[
    ("// ", "", "js mjs cjs jsx ts mts cts tsx go java c cc cpp cxx c++ h hh hpp hxx h++ cs csx rs php"),
    ("// ", "", "swift kt kts scala dart groovy gradle zig proto scss less adoc asciidoc asc"),
    ("# ", "", "py pyi pyw sh bash bats zsh fish rb rake gemspec pl pm r jl ex exs cmake mk nix ps1"),
    ("# ", "", "tf tfvars hcl yml yaml toml env properties org"),
    ("<!-- ", " -->", "md markdown mdown mdc html htm shtml xhtml xht xml svg xsd xsl xslt plist"),
    ("<!-- ", " -->", "csproj vbproj fsproj vcxproj props targets resx xaml vue svelte"),
    ("/* ", " */", "css"),
    ("-- ", "", "sql ddl psql pgsql lua hs elm ada adb ads vhd vhdl"),
    ("% ", "", "tex ltx sty cls bib erl hrl"),
    (".. ", "", "rst rest"),
    ("; ", "", "el lisp clj cljs scm reg"),
    ("\" ", "", "vim"),
    ("' ", "", "vb vbs bas"),
    ("REM ", "", "bat cmd"),
    ("(* ", " *)", "ml mli"),
];

/// What stands before and after the words of a comment: as the file's markers do, else as files of this name do, else as most of its
/// comments do, else as its kind of file does.
fn comment(path: &str, file: &[u8]) -> Result<(String, &'static str), LensError> {
    let sample = &file[..file.len().min(SAMPLE)];
    if let Some(style) = markers(sample).find_map(|marker| style_of_marker(&sample[marker.line])) {
        return Ok(style);
    }
    let text = &sample[body::bom(sample)..];
    let first = body::lines(text).map(body::content).find(|line| !body::is_blank(line)).unwrap_or(b"").trim_ascii();
    if let Some(style) = comment_by_name(path, file, first.starts_with(b"#!"))? {
        return Ok(style);
    }
    if first.starts_with(b"#!") {
        return Ok(("# ".to_owned(), ""));
    }
    let markup = first.starts_with(b"<") || looks_like_markdown(text);
    if markup || first.starts_with(b"<!--") {
        return Ok(("<!-- ".to_owned(), " -->"));
    }
    if first.starts_with(b"{") || first == b"[" || first.starts_with(b"[{") || first.starts_with(b"[\"") {
        return Err(no_place());
    }
    let counts = LINE_COMMENTS.map(|sign| body::lines(text).filter(|line| begins_comment(line, sign)).count());
    let most = counts.iter().copied().max().unwrap_or(0);
    let sign = LINE_COMMENTS.iter().zip(counts).find(|(_, count)| *count == most && most > 0).map(|(sign, _)| *sign);
    match sign {
        Some(sign) => Ok((format!("{} ", String::from_utf8_lossy(sign)), "")),
        None if body::lines(text).any(|line| line.trim_ascii().starts_with(b"/*")) => Ok(("/* ".to_owned(), " */")),
        None => Ok(("# ".to_owned(), "")),
    }
}

fn no_place() -> LensError {
    LensError::Refused(
        "JSON has no place for a marked region at its end; write the two marker comments where it shall stand"
            .to_owned(),
    )
}

/// The same by the file's name, or by the interpreter that its first line names. `None` where they do not tell.
fn comment_by_name(path: &str, file: &[u8], is_script: bool) -> Result<Option<(String, &'static str)>, LensError> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_lowercase();
    let by_name = Scheme::detect(path, b"").is_some();
    let scheme = if by_name || is_script { Scheme::detect(path, file) } else { None };
    match scheme {
        Some(Scheme::Jsonc | Scheme::Json5) => return Err(no_place()),
        Some(
            scheme @ (Scheme::Json
            | Scheme::Ipynb
            | Scheme::Jsonl
            | Scheme::Csv
            | Scheme::Tsv
            | Scheme::Ics
            | Scheme::Vcf),
        ) => {
            return Err(LensError::Refused(format!(
                "a file of {} has no comments, which a marked region begins and ends with; address what stands in it by its own selector",
                scheme.name()
            )));
        }
        _ => {}
    }
    let own = name.rsplit_once('.').map(|(_, extension)| extension);
    let extensions = scheme.map_or(&[][..], Scheme::extensions);
    let find = |extension: &str| COMMENTS.iter().find(|(.., all)| all.split(' ').any(|known| known == extension));
    let Some((open, close, _)) = own.and_then(find).or_else(|| extensions.iter().copied().find_map(find)) else {
        return Ok(None);
    };
    // What stands outside of PHP's tags is HTML.
    let last = |tag: &[u8]| memmem::rfind(file, tag);
    if (own == Some("php") || scheme == Some(Scheme::Php)) && last(b"<?") <= last(b"?>") {
        return Ok(Some(("<!-- ".to_owned(), " -->")));
    }
    Ok(Some(((*open).to_owned(), close)))
}

const LINE_COMMENTS: [&[u8]; 6] = [b"#", b"//", b";", b"--", b"%", b"\""];

/// Whether a line is a comment that begins with `sign`: followed by a blank, a letter or nothing, so that `#include <x>` in
/// C, `--flag` and `"name":` do not count.
fn begins_comment(line: &[u8], sign: &[u8]) -> bool {
    let Some(rest) = line.trim_ascii().strip_prefix(sign) else { return false };
    match sign {
        b"#" => !["include", "define", "if", "endif", "pragma"].iter().any(|word| rest.starts_with(word.as_bytes())),
        b"//" | b";" => true,
        _ => rest.first().is_none_or(|b| *b == b' ') && !rest.ends_with(b"\""),
    }
}

/// Whether `# x` is a heading there: a fence, a link, or two levels of headings with text in between.
fn looks_like_markdown(text: &[u8]) -> bool {
    let lines = || body::lines(text).map(body::content);
    let heading = |line: &[u8]| line.starts_with(b"## ") || line.starts_with(b"### ");
    let fenced = lines().any(|line| line.starts_with(b"```"));
    let linked = memmem::find(text, b"](").is_some();
    let headings = lines().any(heading);
    let first = lines().find(|line| !body::is_blank(line)).unwrap_or(b"");
    let titled = first.starts_with(b"# ") || first == b"---" || first == b"+++";
    (titled || headings) && (fenced || linked) || (titled && headings && memmem::find(text, b" = ").is_none())
}

fn style_of_marker(line: &[u8]) -> Option<(String, &'static str)> {
    let at = memmem::find(line, b"inlay:")?;
    let open = std::str::from_utf8(&line[..at]).ok()?.trim_start_matches(['\u{feff}', ' ', '\t']);
    let close = [
        ("<!--", " -->"),
        ("/*", " */"),
        ("{#", " #}"),
        ("(*", " *)"),
        ("{-", " -}"),
        ("{{!--", " --}}"),
        ("<%--", " --%>"),
    ];
    let close = close.iter().find(|(start, _)| open.starts_with(start)).map_or("", |(_, end)| end);
    Some((open.to_owned(), close))
}
