//! The laws of the lens contract, for office documents: archives as they come, and parts of any text in sound archives.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portion::Scheme;

const SCHEMES: &[Scheme] = &[Scheme::Xlsx, Scheme::Ods, Scheme::Docx, Scheme::Pptx];
/// What any input may take, in bytes.
const MOST: usize = 1 << 30;
const OFFICE: &str = "http://schemas.openxmlformats.org";

/// Relations, each with a number, a type and a target.
fn relations(all: &[(&str, &str)]) -> String {
    let each = all.iter().enumerate().map(|(at, (kind, target))| {
        format!("<Relationship Id=\"r{at}\" Type=\"{OFFICE}/officeDocument/2006/relationships/{kind}\" Target=\"{target}\"/>")
    });
    let each: String = each.collect();
    format!("<Relationships xmlns=\"{OFFICE}/package/2006/relationships\">{each}</Relationships>")
}

/// A sound archive around what stands in a sheet, a body or a slide.
fn archive(scheme: Scheme, inside: &str) -> Vec<u8> {
    let main =
        format!("xmlns=\"{OFFICE}/spreadsheetml/2006/main\" xmlns:r=\"{OFFICE}/officeDocument/2006/relationships\"");
    let parts: Vec<(&str, String)> = match scheme {
        Scheme::Xlsx => vec![
            ("_rels/.rels", relations(&[("officeDocument", "w.xml")])),
            ("w.xml", format!("<workbook {main}><sheets><sheet name=\"S\" r:id=\"r0\"/></sheets></workbook>")),
            ("_rels/w.xml.rels", relations(&[("worksheet", "s.xml")])),
            ("s.xml", format!("<worksheet {main}>{inside}</worksheet>")),
        ],
        Scheme::Ods => {
            let spaces = ["office", "table", "text"]
                .map(|name| format!(" xmlns:{name}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\""))
                .concat();
            let body = format!("<office:body><office:spreadsheet>{inside}</office:spreadsheet></office:body>");
            vec![("content.xml", format!("<office:document-content{spaces}>{body}</office:document-content>"))]
        }
        Scheme::Docx => vec![
            ("_rels/.rels", relations(&[("officeDocument", "d.xml")])),
            (
                "d.xml",
                format!(
                    "<w:document xmlns:w=\"{OFFICE}/wordprocessingml/2006/main\"><w:body>{inside}</w:body></w:document>"
                ),
            ),
        ],
        _ => vec![
            ("_rels/.rels", relations(&[("officeDocument", "p.xml")])),
            ("_rels/p.xml.rels", relations(&[("slide", "s.xml")])),
            (
                "p.xml",
                format!(
                    "<p:presentation xmlns:p=\"{OFFICE}/presentationml/2006/main\" xmlns:r=\"r\"><p:sldIdLst><p:sldId r:id=\"r0\"/>\
                     </p:sldIdLst></p:presentation>"
                ),
            ),
            (
                "s.xml",
                format!(
                    "<p:sld xmlns:p=\"{OFFICE}/presentationml/2006/main\" xmlns:a=\"{OFFICE}/drawingml/2006/main\">{inside}</p:sld>"
                ),
            ),
        ],
    };
    zip(&parts)
}

/// A zip archive without compression.
fn zip(parts: &[(&str, String)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in parts {
        let at = out.len() as u32;
        let size = content.len() as u32;
        let mut fields = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for word in [crc32fast::hash(content.as_bytes()), size, size] {
            fields.extend(word.to_le_bytes());
        }
        fields.extend((name.len() as u32).to_le_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&fields);
        out.extend(name.bytes().chain(content.bytes()));
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(fields);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.bytes());
    }
    let (count, at, size) = (parts.len() as u16, out.len() as u32, directory.len() as u32);
    out.extend(directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    out.extend([size.to_le_bytes(), at.to_le_bytes()].concat());
    out.extend([0, 0]);
    out
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, [inside, expression, text])) = fuzz::input::parts(data) else { return };
    let Ok(expression) = std::str::from_utf8(expression) else { return };
    let scheme = fuzz::input::one_of(SCHEMES, choice);
    let wrapped = std::str::from_utf8(inside).ok().map(|inside| archive(scheme, inside));
    for file in [Some(inside.to_vec()), wrapped].into_iter().flatten() {
        // A cell in the last row makes as many rows.
        fuzz::memory::bounded_by(MOST, || fuzz::laws::Case { scheme, file: &file, expression, text }.check());
    }
});
