//! Makes a failing document small: removes every part without which the document still fails.

use crate::document::{Content, Document, Item, Value};

/// Limit of attempts. It is enough for the documents of the generator, and ensures that the search ends.
const MOST_ATTEMPTS: usize = 400;

/// The smallest document that was found and still fails.
pub fn shrink(document: Document, fails: impl Fn(&Document) -> bool) -> Document {
    let mut smallest = document;
    let mut attempts = 0;
    let mut at = 0;
    while attempts < MOST_ATTEMPTS {
        let Some(smaller) = simplified(&smallest, at) else { break };
        attempts += 1;
        if fails(&smaller) {
            // The same place is tried again, because more of it may be removable.
            smallest = smaller;
        } else {
            at += 1;
        }
    }
    smallest
}

/// The document after step number `at`. `None` if there are fewer steps.
fn simplified(document: &Document, at: usize) -> Option<Document> {
    let mut smaller = document.clone();
    let mut left = at;
    if left == 0 && document.rule.selection.is_some() {
        smaller.rule.selection = None;
        return Some(smaller);
    }
    left = left.saturating_sub(usize::from(document.rule.selection.is_some()));
    match &mut smaller.content {
        Content::Bytes(bytes) => {
            let half = bytes.len() / 2;
            match left {
                0 if half > 0 => bytes.truncate(half),
                1 if half > 0 => drop(bytes.drain(..half)),
                _ => return None,
            }
            Some(smaller)
        }
        Content::Tree(parts) => {
            if parts.len() > 1 {
                if left < parts.len() {
                    parts.remove(left);
                    return Some(smaller);
                }
                left -= parts.len();
            }
            parts.iter_mut().any(|part| step(part, &mut left)).then_some(smaller)
        }
    }
}

/// Counts the steps below a value. `left` is decreased by one for each step, and the step at which it reaches zero is carried out.
fn step(value: &mut Value, left: &mut usize) -> bool {
    if let Value::Text(text, _) = value {
        return halve(text, left);
    }
    let Some(items) = value.items_mut() else { return false };
    if *left < items.len() {
        items.remove(*left);
        return true;
    }
    *left -= items.len();
    items.iter_mut().any(|item| strip(item, left) || step(&mut item.value, left))
}

/// Removes the comments of an item, one kind of comments in each step.
fn strip(item: &mut Item, left: &mut usize) -> bool {
    let present = [!item.above.is_empty(), item.beside.is_some(), item.below.is_some()];
    for (kind, _) in present.iter().enumerate().filter(|(_, present)| **present) {
        if *left > 0 {
            *left -= 1;
            continue;
        }
        match kind {
            0 => item.above.clear(),
            1 => item.beside = None,
            _ => item.below = None,
        }
        return true;
    }
    false
}

/// Keeps the first half or the second half of a text.
fn halve(text: &mut String, left: &mut usize) -> bool {
    let characters: Vec<char> = text.chars().collect();
    let half = characters.len() / 2;
    if half == 0 {
        return false;
    }
    if *left < 2 {
        let kept = if *left == 0 {
            &characters[..half]
        } else {
            &characters[half..]
        };
        *text = kept.iter().collect();
        return true;
    }
    *left -= 2;
    false
}
