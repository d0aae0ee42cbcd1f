//! One byte encoding for each value, for fingerprints.

use super::Value;

impl Value {
    /// The value in bytes, such that equal values have equal bytes and unequal ones do not: keys sorted by their bytes,
    /// numbers normalised, every part led by its kind (one byte) and, where it varies, its length (eight bytes, little-endian).
    pub fn canonical(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write(self, &mut out);
        out
    }
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(b'n'),
        Value::Bool(false) => out.push(b'f'),
        Value::Bool(true) => out.push(b't'),
        Value::Number(number) => counted(b'd', number.normal().as_bytes(), out),
        Value::String(text) => counted(b's', text.as_bytes(), out),
        Value::Bytes(bytes) => counted(b'b', bytes, out),
        Value::DateTime(text) => counted(b'i', text.as_bytes(), out),
        Value::Sequence(items) => {
            head(b'[', items.len(), out);
            items.iter().for_each(|item| write(item, out));
        }
        Value::Map(members) => {
            head(b'{', members.len(), out);
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(&b.0));
            for (key, value) in sorted {
                counted(b's', key.as_bytes(), out);
                write(value, out);
            }
        }
    }
}

fn head(kind: u8, len: usize, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&(len as u64).to_le_bytes());
}

fn counted(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    head(kind, bytes.len(), out);
    out.extend_from_slice(bytes);
}
