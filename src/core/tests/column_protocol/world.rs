//! What is walked: which parties there are, what they may do, and by which protocol.

use super::writer::Change;

/// The parties, and how often each thing may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct World {
    /// What each writer does
    pub(crate) changes: [Option<Change>; 2],
    /// Heap pages: one or two. Rows are deleted from the first and inserted into the last
    pub(crate) pages: u8,
    /// How many pages have an image from the beginning
    pub(crate) covered: u8,
    /// Whether the heap has no rows at the beginning
    pub(crate) is_empty: bool,
    /// How often VACUUM runs
    pub(crate) vacuums: u8,
    /// How often somebody who reads the heap prunes a page
    pub(crate) prunes: u8,
    /// How often VACUUM truncates the heap
    pub(crate) truncations: u8,
    /// How often the server crashes
    pub(crate) crashes: u8,
    /// Whether writers are processes with another version of the library
    pub(crate) writes_other_version: bool,
    /// Whether VACUUM is
    pub(crate) vacuums_other_version: bool,
    /// Whether a chunk of other heap pages is given up, and later a new one of such pages takes the space that is free
    pub(crate) other_chunk: bool,
}

impl World {
    /// A page with an image, a writer, two runs of VACUUM.
    pub(crate) const ONE_PAGE: World = World {
        changes: [None; 2],
        pages: 1,
        covered: 1,
        is_empty: false,
        vacuums: 2,
        prunes: 0,
        truncations: 0,
        crashes: 0,
        writes_other_version: false,
        vacuums_other_version: false,
        other_chunk: false,
    };

    /// Two pages with images, and one run of VACUUM.
    pub(crate) const TWO_PAGES: World = World { pages: 2, covered: 2, vacuums: 1, ..World::ONE_PAGE };
}

/// The protocol, or the protocol with a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Protocol {
    /// Whether images are made of pages that are not all-visible, too, and used while the page has the same LSN and the
    /// snapshot sees all that has happened on it
    pub(crate) any_page: bool,
    /// Whether the reader is on a standby: it holds no horizon back, and what is replayed may cancel it
    pub(crate) standby: bool,
    pub(crate) mistake: Option<Mistake>,
}

/// A step of the protocol that is left out, or done at a wrong time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    /// The reader reads the map of images before the visibility map
    MapBeforeVisibility,
    /// `aminsert` does not mark the page
    NoMarkByInsert,
    /// The page is marked only after the writer's transaction has ended
    LateMarkByInsert,
    /// `ambulkdelete` does not mark the page
    NoMarkByVacuum,
    /// `ambulkdelete` marks the page after its line pointers have been freed
    LateMarkByVacuum,
    /// The fold clears the mark when it publishes the image, and not before it looks at the page
    FoldInOneStep,
    /// What is replayed on a standby does not cancel the snapshots that disagree
    NoConflicts,
    /// The image of a page is used though the page's LSN is another one
    NoLsn,
    /// The image of a page is used though the snapshot does not see all that has happened on the page
    NoHorizon,
    /// The same, but only of a page that is all-visible
    NoHorizonIfAllVisible,
    /// Pruning frees the line pointers of deleted rows at once, without `ambulkdelete`
    PruningFreesDeadRows,
    /// A page with dead line pointers is called all-visible
    MapOverDeadLinePointers,
    /// The fold covers pages only after it has looked at them
    CoveredAfterCopies,
    /// A writer goes on with what it saw before it changed the heap: that the page is not covered
    NotCoveredIsCached,
    /// Pages are covered while the map still has what it said of them long ago
    CoveredOverOldMap,
    /// `aminsert` does not mark a page with which the writer has extended the heap
    NoMarkOfNewPage,
    /// The reader asks where the heap ends before it has its snapshot
    HeapEndBeforeSnapshot,
    /// A process of another version, which cannot mark pages, leaves the meta page as it is
    OtherVersionKeepsMeta,
    /// The reader goes by a meta page that it read before it had its snapshot
    MetaBeforeSnapshot,
    /// A crash loses marks of which the changes are not lost
    MarkIsNotLogged,
    /// The reader takes the page of a chunk for what it wants without a look at its generation
    NoGeneration,
    /// The reader calls a page of another generation damaged without reading the directory again
    DamageWithoutDirectory,
    /// The reader does not read the directory again after the map
    DirectoryOnce,
    /// The space of a chunk is free before the map and the directory have let go of it
    FreedBeforePublished,
    /// The reader takes a snapshot for each page
    SnapshotOfEachPage,
    /// An update marks the page of the old version of the row
    MarkOfOldPage,
}
