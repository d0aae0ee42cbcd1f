//! Zip archives for tests, written and read by a few lines that share nothing with the lens.
#![allow(dead_code)]

use std::collections::BTreeMap;

/// How an archive is written.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct How {
    pub(crate) stored: bool,
    /// With a data descriptor behind each entry.
    pub(crate) descriptor: bool,
    pub(crate) comment: bool,
}

fn half(out: &mut Vec<u8>, value: usize) {
    out.extend(u16::try_from(value).unwrap().to_le_bytes());
}

fn word(out: &mut Vec<u8>, value: usize) {
    out.extend(u32::try_from(value).unwrap().to_le_bytes());
}

pub(crate) fn zip(parts: &[(&str, &[u8])], how: How) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in parts {
        let at = out.len();
        let data = if how.stored { content.to_vec() } else { miniz_oxide::deflate::compress_to_vec(content, 6) };
        let sizes = [crc32fast::hash(content) as usize, data.len(), content.len()];
        let mut fields = Vec::new();
        half(&mut fields, 20);
        half(&mut fields, if how.descriptor { 8 } else { 0 });
        half(&mut fields, if how.stored { 0 } else { 8 });
        word(&mut fields, 0x5A21_4000);
        out.extend(b"PK\x03\x04");
        out.extend(&fields);
        sizes.iter().for_each(|size| word(&mut out, if how.descriptor { 0 } else { *size }));
        half(&mut out, name.len());
        half(&mut out, 4);
        out.extend(name.as_bytes());
        out.extend(b"\x99\x99\0\0");
        out.extend(data);
        if how.descriptor {
            out.extend(b"PK\x07\x08");
            sizes.iter().for_each(|size| word(&mut out, *size));
        }
        directory.extend(b"PK\x01\x02\x14\x03");
        directory.extend(&fields);
        sizes.iter().for_each(|size| word(&mut directory, *size));
        half(&mut directory, name.len());
        [0, 3, 0, 0].iter().for_each(|value| half(&mut directory, *value));
        word(&mut directory, 0);
        word(&mut directory, at);
        directory.extend(name.as_bytes());
        directory.extend(b"why");
    }
    let at = out.len();
    let size = directory.len();
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    half(&mut out, parts.len());
    half(&mut out, parts.len());
    word(&mut out, size);
    word(&mut out, at);
    half(&mut out, if how.comment { 5 } else { 0 });
    out.extend(if how.comment { &b"a PK\x05"[..] } else { b"" });
    out
}

/// Every entry's content, and its bytes as they stand in the archive, by name. For archives without a comment that looks like an end.
pub(crate) fn parts(file: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let half = |at: usize| usize::from(u16::from_le_bytes(file[at..at + 2].try_into().unwrap()));
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let end = file.windows(4).rposition(|window| window == b"PK\x05\x06").unwrap();
    let mut at = word(end + 16);
    let mut parts = BTreeMap::new();
    for _ in 0..half(end + 10) {
        let name = String::from_utf8(file[at + 46..at + 46 + half(at + 28)].to_vec()).unwrap();
        let local = word(at + 42);
        let start = local + 30 + half(local + 26) + half(local + 28);
        let data = &file[start..start + word(at + 20)];
        let content = match half(at + 10) {
            0 => data.to_vec(),
            _ => miniz_oxide::inflate::decompress_to_vec(data).unwrap(),
        };
        assert_eq!(content.len(), word(at + 24), "{name}");
        assert_eq!(crc32fast::hash(&content) as usize, word(at + 16), "{name}");
        assert_eq!(&file[local..local + 4], b"PK\x03\x04");
        parts.insert(name, content);
        at += 46 + half(at + 28) + half(at + 30) + half(at + 32);
    }
    assert_eq!(at, word(end + 16) + word(end + 12));
    parts
}

/// One part as text.
pub(crate) fn part(file: &[u8], name: &str) -> String {
    String::from_utf8(parts(file).remove(name).unwrap()).unwrap()
}

/// A package of parts for the workbook, its relations included.
pub(crate) struct Book {
    pub(crate) sheets: Vec<(String, String)>,
    /// What stands in the workbook's part behind the sheets.
    pub(crate) behind: String,
    /// The attributes of `workbookPr`.
    pub(crate) properties: String,
    pub(crate) strings: String,
    /// Of the first sheet.
    pub(crate) table: Option<String>,
}

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n";

fn relations(all: &[(&str, &str)]) -> String {
    let each = all.iter().enumerate().map(|(at, (kind, target))| {
        format!("<Relationship Id=\"rId{}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>", at + 1)
    });
    let each: String = each.collect();
    format!(
        "{HEAD}<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">{each}</Relationships>"
    )
}

/// Formats by number: 1 is a date, 2 a date of an own format with a time, 3 two digits behind the point.
const STYLES: &str = "<numFmts count=\"1\"><numFmt numFmtId=\"170\" formatCode=\"yyyy\\-mm\\-dd\\ hh:mm\"/></numFmts>\
    <cellXfs count=\"4\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"170\"/><xf numFmtId=\"2\"/></cellXfs>";

impl Book {
    pub(crate) fn new(sheets: &[(&str, &str)]) -> Book {
        Book {
            sheets: sheets.iter().map(|(name, cells)| ((*name).to_owned(), (*cells).to_owned())).collect(),
            behind: String::new(),
            properties: String::new(),
            strings: "<si><t>shared</t></si><si><r><t>ri</t></r><r><rPr><b/></rPr><t>ch</t></r><rPh sb=\"0\" eb=\"1\"><t>no</t></rPh></si>"
                .to_owned(),
            table: None,
        }
    }

    /// A sheet's part from what stands in it.
    pub(crate) fn sheet(inside: &str) -> String {
        format!("{HEAD}<worksheet xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\">{inside}</worksheet>")
    }

    pub(crate) fn write(&self, how: How) -> Vec<u8> {
        self.written(STYLES, "", how)
    }

    /// With all that the format demands, as other programs want it.
    pub(crate) fn whole(&self, how: How) -> Vec<u8> {
        let styles = "<fonts count=\"1\"><font/></fonts><fills count=\"1\"><fill><patternFill/></fill></fills><borders count=\"1\"><border/></borders>\
            <cellStyleXfs count=\"1\"><xf/></cellStyleXfs><cellXfs count=\"2\"><xf numFmtId=\"0\"/><xf numFmtId=\"14\" applyNumberFormat=\"1\"/></cellXfs>";
        let of = |part: &str, kind: &str| {
            let kind = format!("application/vnd.openxmlformats-officedocument.spreadsheetml.{kind}+xml");
            format!("<Override PartName=\"/xl/{part}.xml\" ContentType=\"{kind}\"/>")
        };
        let types = [
            "<Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
                .to_owned(),
            of("workbook", "sheet.main"),
            of("worksheets/sheet1", "worksheet"),
            of("styles", "styles"),
            of("sharedStrings", "sharedStrings"),
        ];
        self.written(styles, &types.concat(), how)
    }

    fn written(&self, styles: &str, types: &str, how: How) -> Vec<u8> {
        let mut all: Vec<(String, String)> = Vec::new();
        let mut links: Vec<(&str, String)> =
            (1..=self.sheets.len()).map(|at| ("worksheet", format!("worksheets/sheet{at}.xml"))).collect();
        let names: String = self
            .sheets
            .iter()
            .enumerate()
            .map(|(at, (name, _))| format!("<sheet name=\"{name}\" sheetId=\"{0}\" r:id=\"rId{0}\"/>", at + 1))
            .collect();
        links.push(("styles", "styles.xml".to_owned()));
        links.push(("sharedStrings", "/xl/sharedStrings.xml".to_owned()));
        let links: Vec<(&str, &str)> = links.iter().map(|(kind, target)| (*kind, target.as_str())).collect();
        all.push((
            "[Content_Types].xml".into(),
            format!(
                "{HEAD}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">{types}</Types>"
            ),
        ));
        all.push(("_rels/.rels".into(), relations(&[("officeDocument", "xl/workbook.xml")])));
        all.push(("xl/workbook.xml".into(), format!(
            "{HEAD}<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><workbookPr {}/><sheets>{names}</sheets>{}</workbook>",
            self.properties, self.behind
        )));
        all.push(("xl/_rels/workbook.xml.rels".into(), relations(&links)));
        for (at, (_, cells)) in self.sheets.iter().enumerate() {
            let inside =
                if cells.contains("<sheetData") { cells.clone() } else { format!("<sheetData>{cells}</sheetData>") };
            all.push((format!("xl/worksheets/sheet{}.xml", at + 1), Book::sheet(&inside)));
        }
        all.push(("xl/styles.xml".into(), format!("{HEAD}<styleSheet xmlns=\"{MAIN}\">{styles}</styleSheet>")));
        all.push(("xl/sharedStrings.xml".into(), format!("{HEAD}<sst xmlns=\"{MAIN}\">{}</sst>", self.strings)));
        if let Some(table) = &self.table {
            all.push(("xl/worksheets/_rels/sheet1.xml.rels".into(), relations(&[("table", "../tables/table1.xml")])));
            all.push(("xl/tables/table1.xml".into(), format!("{HEAD}<table xmlns=\"{MAIN}\" {table}")));
        }
        let all: Vec<(&str, &[u8])> = all.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
        zip(&all, how)
    }
}

/// An OpenDocument spreadsheet of what stands in its spreadsheet element.
pub(crate) fn ods(inside: &str, how: How) -> Vec<u8> {
    let spaces: String = ["office", "table", "text"]
        .iter()
        .map(|name| format!(" xmlns:{name}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\""))
        .collect();
    let calc = "xmlns:calcext=\"urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0\"";
    let content = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<office:document-content{spaces} {calc} office:version=\"1.2\"><office:body><office:spreadsheet>{inside}\
         </office:spreadsheet></office:body></office:document-content>"
    );
    let manifest: &[u8] = b"<manifest:manifest xmlns:manifest=\"urn:oasis:names:tc:opendocument:xmlns:manifest:1.0\" manifest:version=\"1.2\">\
        <manifest:file-entry manifest:full-path=\"/\" manifest:media-type=\"application/vnd.oasis.opendocument.spreadsheet\"/>\
        <manifest:file-entry manifest:full-path=\"content.xml\" manifest:media-type=\"text/xml\"/></manifest:manifest>";
    let mimetype: &[u8] = b"application/vnd.oasis.opendocument.spreadsheet";
    zip(&[("mimetype", mimetype), ("content.xml", content.as_bytes()), ("META-INF/manifest.xml", manifest)], how)
}

const WORD: &str = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
const DRAWING: &str = "http://schemas.openxmlformats.org/drawingml/2006/main";
const SLIDES: &str = "http://schemas.openxmlformats.org/presentationml/2006/main";

/// A Word document of what stands in its body.
pub(crate) fn docx(body: &str, how: How) -> Vec<u8> {
    let document = format!(
        "{HEAD}<w:document xmlns:w=\"{WORD}\" xmlns:m=\"http://schemas.openxmlformats.org/officeDocument/2006/math\"><w:body>{body}<w:sectPr/></w:body></w:document>"
    );
    let style = |level: usize| {
        format!("<w:style w:type=\"paragraph\" w:styleId=\"H{level}\"><w:name w:val=\"heading {level}\"/></w:style>")
    };
    let based = "<w:style w:styleId=\"Mine\"><w:name w:val=\"Mine\"/><w:basedOn w:val=\"H2\"/></w:style>";
    let styles = format!("{HEAD}<w:styles xmlns:w=\"{WORD}\">{}{}{based}</w:styles>", style(1), style(2));
    let of = |name: &str, kind: &str| {
        let kind = format!("application/vnd.openxmlformats-officedocument.wordprocessingml.{kind}+xml");
        format!("<Override PartName=\"/word/{name}.xml\" ContentType=\"{kind}\"/>")
    };
    let types = format!(
        "{HEAD}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default Extension=\"rels\" \
         ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>{}{}</Types>",
        of("document", "document.main"),
        of("styles", "styles")
    );
    let all = [
        ("[Content_Types].xml", types),
        ("_rels/.rels", relations(&[("officeDocument", "word/document.xml")])),
        ("word/document.xml", document),
        ("word/_rels/document.xml.rels", relations(&[("styles", "styles.xml")])),
        ("word/styles.xml", styles),
    ];
    let all: Vec<(&str, &[u8])> = all.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    zip(&all, how)
}

/// A presentation of what stands on its slides.
pub(crate) fn pptx(slides: &[&str], how: How) -> Vec<u8> {
    let numbers = 1..=slides.len();
    let ids: String = numbers.clone().map(|at| format!("<p:sldId id=\"{}\" r:id=\"rId{at}\"/>", 255 + at)).collect();
    let links: Vec<String> = numbers.clone().map(|at| format!("slides/slide{at}.xml")).collect();
    let links: Vec<(&str, &str)> = links.iter().map(|link| ("slide", link.as_str())).collect();
    let mut all = vec![
        ("_rels/.rels".to_owned(), relations(&[("officeDocument", "ppt/presentation.xml")])),
        (
            "ppt/presentation.xml".to_owned(),
            format!(
                "{HEAD}<p:presentation xmlns:p=\"{SLIDES}\" xmlns:r=\"{RELATIONS}\"><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>"
            ),
        ),
        ("ppt/_rels/presentation.xml.rels".to_owned(), relations(&links)),
    ];
    for (slide, at) in slides.iter().zip(numbers) {
        let text = format!(
            "{HEAD}<p:sld xmlns:p=\"{SLIDES}\" xmlns:a=\"{DRAWING}\"><p:cSld><p:spTree>{slide}</p:spTree></p:cSld></p:sld>"
        );
        all.push((format!("ppt/slides/slide{at}.xml"), text));
    }
    let all: Vec<(&str, &[u8])> = all.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    zip(&all, how)
}
