//! A page as a tree: the page is HTML that is also well-formed XML, so that what breaks out of its place is found.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a page that is not well-formed fails its test"
)]

use std::collections::BTreeMap;

/// An element with what is in it.
#[derive(Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) children: Vec<Node>,
}

#[derive(Debug)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
}

/// The root of a page; panics where the text is not well-formed.
pub(crate) fn parse(html: &str) -> Element {
    let rest = html
        .trim_start()
        .strip_prefix("<!DOCTYPE html>")
        .expect("the page says that it is HTML");
    let mut open = vec![Element::default()];
    let mut rest = rest;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix("</") {
            let (name, after) = behind.split_once('>').expect("a closed tag");
            let done = open.pop().unwrap();
            assert_eq!(done.name, name, "closes another element");
            open.last_mut()
                .expect("one root")
                .children
                .push(Node::Element(done));
            rest = after;
        } else if let Some(behind) = rest.strip_prefix('<') {
            let (element, is_empty, after) = tag(behind);
            rest = after;
            if is_empty {
                open.last_mut()
                    .unwrap()
                    .children
                    .push(Node::Element(element));
            } else {
                open.push(element);
            }
        } else {
            let end = rest.find('<').unwrap_or(rest.len());
            let text = unescaped(&rest[..end]);
            open.last_mut().unwrap().children.push(Node::Text(text));
            rest = &rest[end..];
        }
    }
    assert_eq!(open.len(), 1, "{} is not closed", open.last().unwrap().name);
    let root = open.pop().unwrap();
    let mut elements = root.children.into_iter().filter_map(|node| match node {
        Node::Element(element) => Some(element),
        Node::Text(text) => {
            assert!(text.trim().is_empty(), "text outside of the page: {text}");
            None
        }
    });
    let html = elements.next().unwrap();
    assert!(elements.next().is_none() && html.name == "html");
    html
}

/// A start tag behind its `<`: the element, whether it is empty, and what follows.
fn tag(text: &str) -> (Element, bool, &str) {
    let end = text.find([' ', '>', '/']).expect("a name");
    let mut element = Element {
        name: text[..end].to_owned(),
        ..Element::default()
    };
    assert!(
        element
            .name
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric()),
        "no element: <{}",
        &text[..end]
    );
    let mut rest = text[end..].trim_start();
    loop {
        if let Some(after) = rest.strip_prefix("/>") {
            return (element, true, after);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (element, false, after);
        }
        let (name, behind) = rest.split_once("=\"").expect("an attribute in quotes");
        assert!(!name.contains(['<', '>', ' ']), "no attribute: {name}");
        let (value, after) = behind.split_once('"').expect("a closed attribute");
        assert!(!value.contains('<'), "{name} holds a tag: {value}");
        let twice = element.attributes.insert(name.to_owned(), unescaped(value));
        assert!(twice.is_none(), "{name} is there twice");
        rest = after.trim_start();
    }
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let (entity, after) = rest[at + 1..].split_once(';').expect("an entity ends");
        plain.push(match entity {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#x27" => '\'',
            "#x2f" => '/',
            other => panic!("what is &{other};?"),
        });
        rest = after;
    }
    plain.push_str(rest);
    plain
}

impl Element {
    /// This element and all below it.
    pub(crate) fn all(&self) -> Vec<&Element> {
        let mut found = vec![self];
        for node in &self.children {
            if let Node::Element(element) = node {
                found.extend(element.all());
            }
        }
        found
    }

    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> {
        self.all()
            .into_iter()
            .filter(move |element| element.name == name)
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&Element> {
        self.all().into_iter().find(|element| {
            element
                .attributes
                .get("id")
                .is_some_and(|known| known == id)
        })
    }

    /// Its words, and those of all below it.
    pub(crate) fn text(&self) -> String {
        let each = self.children.iter().map(|node| match node {
            Node::Element(element) => element.text(),
            Node::Text(text) => text.clone(),
        });
        each.collect()
    }

    /// The cells of the rows of one part (`tbody`, `tfoot`) of the table of a figure.
    pub(crate) fn rows(&self, figure: &str, part: &str) -> Vec<Vec<String>> {
        let table = self.by_id(&format!("{figure}-table"));
        let table = table.unwrap_or_else(|| panic!("no table of {figure}"));
        let Some(part) = table.named(part).next() else {
            return Vec::new();
        };
        let cells = |row: &Element| {
            let cells = row
                .all()
                .into_iter()
                .filter(|cell| cell.name == "td" || cell.name == "th");
            cells.map(|cell| cell.text()).collect()
        };
        part.named("tr").map(cells).collect()
    }

    /// Where the columns of these names stand in the table of a figure.
    pub(crate) fn columns(&self, figure: &str, names: &[&str]) -> Vec<usize> {
        let heads = self.rows(figure, "thead").concat();
        let place = |name: &&str| heads.iter().position(|head| head == name);
        let places = names
            .iter()
            .map(|name| place(name).unwrap_or_else(|| panic!("no {name} in {heads:?}")));
        places.collect()
    }
}
