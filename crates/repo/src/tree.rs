//! Trees: the listings of folders (restic `doc/design.rst`, "Trees and Data").

use std::fmt::Write;

use serde::Deserialize;

use crate::gostring;
use crate::id::Id;
use crate::unpacked::FormatError;

/// Go's `os.ModeDir`, with the owner's permissions.
const FOLDER_MODE: u32 = 1 << 31 | 0o700;
const FILE_MODE: u32 = 0o600;

/// What an entry in a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A link, a device, …
    Other,
}

/// One entry in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name. Bytes that are no UTF-8 show as `U+FFFD`.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// A file's size in bytes.
    pub size: u64,
    /// When it was last changed, if that can be read.
    pub time: Option<jiff::Timestamp>,
    /// The ids of a file's blobs.
    pub content: Vec<Id>,
    /// The id of a folder's tree.
    pub subtree: Option<Id>,
}

#[derive(Deserialize)]
struct TreeJson {
    nodes: Vec<NodeJson>,
}

#[derive(Deserialize)]
struct NodeJson {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    mtime: Option<String>,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    content: Option<Vec<Id>>,
    #[serde(default)]
    subtree: Option<Id>,
}

/// Reads a tree.
pub(crate) fn parse_tree(json: &[u8]) -> Result<Vec<Node>, FormatError> {
    let tree: TreeJson = serde_json::from_slice(json)?;
    let node = |node: NodeJson| {
        let name =
            gostring::unquote(&node.name).ok_or(FormatError::Other("a tree with a name that is not quoted well"))?;
        let kind = match node.kind.as_str() {
            "file" => NodeKind::File,
            "dir" => NodeKind::Folder,
            _ => NodeKind::Other,
        };
        let time = node.mtime.and_then(|text| text.parse().ok());
        let content = node.content.unwrap_or_default();
        Ok(Node { name, kind, size: node.size, time, content, subtree: node.subtree })
    };
    tree.nodes.into_iter().map(node).collect()
}

/// Writes a tree, byte for byte as restic would. Its nodes come in the order of their names, none twice.
#[derive(Debug)]
pub(crate) struct TreeWriter {
    json: String,
    first: bool,
    owner: (u32, u32),
}

impl TreeWriter {
    pub(crate) fn new(owner: (u32, u32)) -> Self {
        Self { json: r#"{"nodes":["#.into(), first: true, owner }
    }

    /// Adds a folder.
    pub(crate) fn folder(&mut self, name: &str, time: &str, subtree: Id) {
        self.start(name, "dir", FOLDER_MODE, time);
        let _ = write!(self.json, r#","content":null,"subtree":"{subtree}"}}"#);
    }

    /// Adds a file.
    pub(crate) fn file(&mut self, name: &str, time: &str, size: u64, content: &[Id]) {
        self.start(name, "file", FILE_MODE, time);
        if size > 0 {
            let _ = write!(self.json, r#","size":{size}"#);
        }
        self.json.push_str(r#","content":["#);
        for (number, id) in content.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            let _ = write!(self.json, r#"{comma}"{id}""#);
        }
        self.json.push_str("]}");
    }

    pub(crate) fn finish(mut self) -> String {
        self.json.push_str("]}\n");
        self.json
    }

    fn start(&mut self, name: &str, kind: &str, mode: u32, time: &str) {
        self.json.push_str(if self.first { r#"{"name":"# } else { r#",{"name":"# });
        self.first = false;
        gostring::push_json(&mut self.json, &gostring::quote(name));
        let (uid, gid) = self.owner;
        let _ = write!(
            self.json,
            r#","type":"{kind}","mode":{mode},"mtime":"{time}","atime":"{time}","ctime":"{time}","uid":{uid},"gid":{gid}"#
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_restic_writes_it() {
        let mut tree = TreeWriter::new((1000, 100));
        tree.file("a<b", "2015-01-02T18:10:50.5Z", 3, &[Id::new([0x11; 32])]);
        tree.folder("d\"", "2015-01-02T18:10:50Z", Id::new([0x22; 32]));
        let (one, two) = ("11".repeat(32), "22".repeat(32));
        assert_eq!(
            tree.finish(),
            format!(
                concat!(
                    r#"{{"nodes":[{{"name":"a\u003cb","type":"file","mode":384,"mtime":"2015-01-02T18:10:50.5Z","#,
                    r#""atime":"2015-01-02T18:10:50.5Z","ctime":"2015-01-02T18:10:50.5Z","uid":1000,"gid":100,"#,
                    r#""size":3,"content":["{one}"]}},"#,
                    r#"{{"name":"d\\\"","type":"dir","mode":2147484096,"mtime":"2015-01-02T18:10:50Z","#,
                    r#""atime":"2015-01-02T18:10:50Z","ctime":"2015-01-02T18:10:50Z","uid":1000,"gid":100,"#,
                    r#""content":null,"subtree":"{two}"}}]}}"#,
                    "\n"
                ),
                one = one,
                two = two
            )
        );
    }

    proptest! {
        #[test]
        fn names_and_contents_come_back(name: String, size: u64, ids in proptest::collection::vec(any::<[u8; 32]>(), 0..4)) {
            let ids: Vec<Id> = ids.into_iter().map(Id::new).collect();
            let mut tree = TreeWriter::new((0, 0));
            tree.file(&name, "2015-01-02T18:10:50Z", size, &ids);
            let nodes = parse_tree(tree.finish().as_bytes()).unwrap();
            prop_assert_eq!((&nodes[0].name, nodes[0].size, &nodes[0].content), (&name, size, &ids));
        }

        #[test]
        fn any_bytes(bytes: Vec<u8>) {
            let _ = parse_tree(&bytes);
        }
    }
}
