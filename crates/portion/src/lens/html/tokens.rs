//! Tokens by the WHATWG standard, with their places, as the tree builder wants them.

use std::collections::HashMap;
use std::convert::Infallible;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{Doctype, Tag, TagKind, Token, TokenSink, TokenSinkResult};
use html5ever::tree_builder::TreeBuilder;
use html5ever::{Attribute, LocalName, QualName, ns};
use html5gum::emitters::callback::{Callback, CallbackEmitter, CallbackEvent};
use html5gum::{Emitter, ForwardingEmitter, Span as Place, State, Tokenizer};

use super::dom::{At, Handle, Sink};
use crate::lens::Span;

/// What came of a text.
pub(super) struct Read {
    pub(super) builder: TreeBuilder<Handle, Sink>,
    /// The end tags that belong to start tags by their names alone, by the start of these.
    pub(super) ends: HashMap<usize, Span>,
    /// Another encoding than UTF-8 that the file says it has, and where.
    pub(super) encoding: Option<(usize, String)>,
    /// Where the last token ended. The tokenizer tells too early a start of text where it reads it raw.
    last_end: usize,
    /// Places are counted from behind it.
    bom: usize,
    tag: Option<Tag>,
    /// Where the start tag starts.
    start: usize,
    next_state: Option<State>,
    /// The start tags that are not closed, by their names.
    open: HashMap<LocalName, Vec<usize>>,
}

/// Reads a text to its end.
pub(super) fn read(text: &str, builder: TreeBuilder<Handle, Sink>) -> Read {
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut read = Read {
        bom: text.len() - body.len(),
        last_end: 0,
        builder,
        ends: HashMap::new(),
        encoding: None,
        tag: None,
        start: 0,
        next_state: None,
        open: HashMap::new(),
    };
    let emitter = Told { inner: CallbackEmitter::new(Teller(&mut read)) };
    let Ok(()) = Tokenizer::new_with_emitter(body, emitter).finish();
    read
}

/// Tells the tree builder.
struct Teller<'r>(&'r mut Read);

struct Told<'r> {
    inner: CallbackEmitter<Teller<'r>, Infallible, usize>,
}

fn text(bytes: &[u8]) -> StrTendril {
    StrTendril::from_slice(&String::from_utf8_lossy(bytes))
}

fn name(bytes: &[u8]) -> LocalName {
    LocalName::from(&*String::from_utf8_lossy(bytes))
}

impl Read {
    fn tell(&mut self, at: At, token: Token) {
        let sink = &self.builder.sink;
        if sink.is_full() {
            return;
        }
        sink.at.set(at);
        sink.claimed.set(None);
        match self.builder.process_token(token, 1) {
            TokenSinkResult::Continue => {}
            TokenSinkResult::Script(_) => self.next_state = Some(State::Data),
            TokenSinkResult::Plaintext => self.next_state = Some(State::PlainText),
            TokenSinkResult::RawData(RawKind::Rcdata) => self.next_state = Some(State::RcData),
            TokenSinkResult::RawData(RawKind::Rawtext) => self.next_state = Some(State::RawText),
            TokenSinkResult::RawData(_) => self.next_state = Some(State::ScriptData),
            TokenSinkResult::EncodingIndicator(label) => {
                let label = label.trim();
                let is_known =
                    ["utf-8", "utf8", "us-ascii", "ascii"].iter().any(|known| label.eq_ignore_ascii_case(known));
                if self.encoding.is_none() && !is_known {
                    self.encoding = Some((self.start, label.chars().take(40).collect()));
                }
            }
        }
    }

    fn event(&mut self, event: CallbackEvent<'_>, place: Place) {
        let is_token = !matches!(
            event,
            CallbackEvent::Error(_)
                | CallbackEvent::OpenStartTag { .. }
                | CallbackEvent::AttributeName { .. }
                | CallbackEvent::AttributeValue { .. }
        );
        self.told(event, place);
        if is_token {
            self.last_end = self.last_end.max(place.end);
        }
    }

    fn told(&mut self, event: CallbackEvent<'_>, place: Place) {
        match event {
            CallbackEvent::OpenStartTag { name: own } => {
                self.start = place.start;
                self.tag = Some(Tag {
                    kind: TagKind::StartTag,
                    name: name(own),
                    self_closing: false,
                    attrs: Vec::new(),
                    had_duplicate_attributes: false,
                });
            }
            CallbackEvent::AttributeName { name: own } => {
                if let Some(tag) = &mut self.tag {
                    let name = QualName::new(None, ns!(), name(own));
                    tag.attrs.push(Attribute { name, value: StrTendril::new() });
                }
            }
            CallbackEvent::AttributeValue { value } => {
                if let Some(attribute) = self.tag.as_mut().and_then(|tag| tag.attrs.last_mut()) {
                    attribute.value.push_slice(&String::from_utf8_lossy(value));
                }
            }
            CallbackEvent::CloseStartTag { self_closing } => {
                let Some(mut tag) = self.tag.take() else { return };
                tag.self_closing = self_closing;
                let mut seen = std::collections::HashSet::new();
                let all = tag.attrs.len();
                tag.attrs.retain(|attribute| seen.insert(attribute.name.local.clone()));
                tag.had_duplicate_attributes = tag.attrs.len() < all;
                self.open.entry(tag.name.clone()).or_default().push(self.start);
                let sink = &self.builder.sink;
                sink.name.replace(tag.name.to_string());
                sink.is_behind_body.set(false);
                self.tell(At::Start(self.start, place.end), Token::TagToken(tag));
            }
            CallbackEvent::EndTag { name: own } => {
                let name = name(own);
                if let Some(start) = self.open.get_mut(&name).and_then(Vec::pop) {
                    self.ends.insert(start, place.start..place.end);
                }
                let is_last = matches!(&*name, "body" | "html");
                let tag = Tag {
                    kind: TagKind::EndTag,
                    name,
                    self_closing: false,
                    attrs: Vec::new(),
                    had_duplicate_attributes: false,
                };
                self.tell(At::Other(place.start), Token::TagToken(tag));
                if is_last {
                    self.builder.sink.is_behind_body.set(true);
                }
            }
            CallbackEvent::String { value } => {
                let start = place.start.max(self.last_end);
                self.builder.sink.text_at.set(start);
                for (nth, part) in value.split(|byte| *byte == 0).enumerate() {
                    if nth > 0 {
                        self.tell(At::Text(start), Token::NullCharacterToken);
                    }
                    if !part.is_empty() {
                        self.tell(At::Text(start), Token::CharacterTokens(text(part)));
                    }
                }
            }
            CallbackEvent::Comment { value } => {
                self.tell(At::Other(place.start), Token::CommentToken(text(value)));
            }
            CallbackEvent::Doctype { name, public_identifier, system_identifier, force_quirks } => {
                let doctype = Doctype {
                    name: Some(name).filter(|name| !name.is_empty()).map(text),
                    public_id: public_identifier.map(text),
                    system_id: system_identifier.map(text),
                    force_quirks,
                };
                self.tell(At::Other(place.start), Token::DoctypeToken(doctype));
            }
            CallbackEvent::Error(_) => {}
        }
    }
}

impl Callback<Infallible, usize> for Teller<'_> {
    fn handle_event(&mut self, event: CallbackEvent<'_>, place: Place) -> Option<Infallible> {
        let bom = self.0.bom;
        self.0.event(event, Place { start: place.start + bom, end: place.end + bom });
        None
    }
}

impl ForwardingEmitter for Told<'_> {
    type Token = Infallible;

    fn inner(&mut self) -> &mut impl Emitter<Token = Infallible> {
        &mut self.inner
    }

    fn emit_eof(&mut self) {
        self.inner.emit_eof();
        let read = &mut *self.inner.callback_mut().0;
        read.tell(At::Other(usize::MAX), Token::EOFToken);
        read.builder.end();
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        let _ = self.inner.emit_current_tag();
        self.inner.callback_mut().0.next_state.take()
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&mut self) -> bool {
        self.inner.callback_mut().0.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Places in an element's source whose lines are not laid out by their indentation: what `pre`, `textarea`, `script` and their like hold, and
/// the values of attributes.
pub(super) fn fixed(raw: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut depth = 0usize;
    let has_line = |place: &Place| {
        let text = raw.as_bytes().get(place.start..place.end);
        text.is_some_and(|text| memchr::memchr2(b'\n', b'\r', text).is_some())
    };
    let mut last_end = 0;
    let see = |event: CallbackEvent<'_>, mut place: Place| -> Option<Infallible> {
        if let CallbackEvent::String { .. } = event {
            place.start = place.start.max(last_end);
        }
        last_end = last_end.max(place.end);
        match event {
            CallbackEvent::OpenStartTag { name } if is_verbatim(name) => depth += 1,
            CallbackEvent::EndTag { name } if is_verbatim(name) => depth = depth.saturating_sub(1),
            CallbackEvent::String { .. } if depth > 0 && has_line(&place) => found.push(place.start..place.end),
            CallbackEvent::AttributeValue { .. } if has_line(&place) => found.push(place.start..place.end),
            _ => {}
        }
        None
    };
    let mut emitter = CallbackEmitter::new(see);
    emitter.naively_switch_states(true);
    let Ok(()) = Tokenizer::new_with_emitter(raw, emitter).finish();
    found
}

fn is_verbatim(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 8] = [b"pre", b"textarea", b"listing", b"plaintext", b"xmp", b"script", b"style", b"title"];
    NAMES.contains(&name)
}
