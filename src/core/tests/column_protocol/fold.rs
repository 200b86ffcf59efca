//! The fold: it covers the pages, clears their entries, copies the pages, and publishes the images of those that were not
//! marked meanwhile.

use super::heap::{Snapshot, Status, Xid, count};
use super::index::{Image, Meta, PAGES, Version};
use super::world::{Mistake, Protocol, World};
use super::{State, pages};

/// The images that were made, of the pages of which one could be.
type Images = [Option<Image>; PAGES];

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fold {
    Waiting,
    Begun(Snapshot),
    /// Map pages of the pages that were not covered are written
    Mapped(Snapshot),
    Covered(Snapshot),
    Copying(Snapshot, usize, Images),
    Copied(Images),
    /// The chunk is written, and in the directory
    Publishing(u8, usize, Images),
    Published,
    Over,
}

impl Fold {
    pub(crate) fn snapshot(&self) -> Option<Snapshot> {
        match self {
            Fold::Begun(snapshot) | Fold::Mapped(snapshot) | Fold::Covered(snapshot) => Some(*snapshot),
            Fold::Copying(snapshot, ..) => Some(*snapshot),
            Fold::Waiting | Fold::Copied(_) | Fold::Publishing(..) | Fold::Published | Fold::Over => None,
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        !matches!(self, Fold::Waiting | Fold::Over)
    }
}

/// Adds the state that the next step of the fold leads to.
pub(crate) fn steps(state: &State, world: &World, protocol: Protocol, next: &mut Vec<State>) {
    let mistake = |mistake| protocol.mistake == Some(mistake);
    let meta = Meta { version: Version::Own, covered: world.pages };
    let in_one_step = mistake(Mistake::FoldInOneStep);
    let mut after = *state;
    after.fold = match state.fold {
        Fold::Waiting => Fold::Begun(state.transactions.snapshot()),
        Fold::Begun(snapshot) if state.index.meta == meta || mistake(Mistake::CoveredAfterCopies) => {
            Fold::Covered(snapshot)
        }
        Fold::Begun(snapshot) => {
            let covered = if state.index.meta.version == Version::Own { state.index.meta.covered } else { 0 };
            if !mistake(Mistake::CoveredOverOldMap) {
                after.index.clear(covered.into()..world.pages.into());
            }
            Fold::Mapped(snapshot)
        }
        Fold::Mapped(snapshot) => {
            after.index.meta = meta;
            Fold::Covered(snapshot)
        }
        Fold::Covered(snapshot) => {
            if !in_one_step {
                after.index.clear(pages(world));
            }
            Fold::Copying(snapshot, 0, [None; PAGES])
        }
        Fold::Copying(snapshot, page, mut images) => {
            images[page] = copied(state, page, protocol);
            if page + 1 < world.pages.into() { Fold::Copying(snapshot, page + 1, images) } else { Fold::Copied(images) }
        }
        Fold::Copied(images) => {
            if mistake(Mistake::CoveredAfterCopies) {
                after.index.meta = meta;
            }
            after.index.is_freed_early = mistake(Mistake::FreedBeforePublished);
            match after.index.write(images) {
                Some(slot) => Fold::Publishing(slot, 0, images),
                None => Fold::Over,
            }
        }
        Fold::Publishing(slot, page, images) => {
            if images[page].is_some() && (in_one_step || !state.index.entries[page].is_changed) {
                after.index.publish(page, slot);
            }
            if page + 1 < world.pages.into() { Fold::Publishing(slot, page + 1, images) } else { Fold::Published }
        }
        // The old chunk or, if all pages were marked, the new one.
        Fold::Published => {
            after.index.give_up_unused();
            Fold::Over
        }
        Fold::Over => return,
    };
    next.push(after);
}

fn copied(state: &State, page: usize, protocol: Protocol) -> Option<Image> {
    if protocol.any_page {
        return image_of_settled(state, page);
    }
    state.pages[page].all_visible.then(|| image(state, page, |_, _| true, 0))
}

fn image(state: &State, page: usize, is_live: impl Fn(Xid, Xid) -> bool, newest: Xid) -> Image {
    let page = &state.pages[page];
    let live = page.tuples().filter(|tuple| is_live(tuple.inserted_by, tuple.deleted_by));
    Image { rows: count(live.map(|tuple| tuple.value)), lsn: page.lsn, newest }
}

/// The image of a page on which every transaction is over.
fn image_of_settled(state: &State, page: usize) -> Option<Image> {
    let is = |xid, status| state.transactions.is(xid, status);
    let xids = || state.pages[page].tuples().flat_map(|tuple| [tuple.inserted_by, tuple.deleted_by]);
    if xids().any(|xid| is(xid, Status::Running)) {
        return None;
    }
    let newest = xids().filter(|xid| is(*xid, Status::Committed)).max().unwrap_or(0);
    let is_live = |inserted_by, deleted_by| is(inserted_by, Status::Committed) && !is(deleted_by, Status::Committed);
    Some(image(state, page, is_live, newest))
}
