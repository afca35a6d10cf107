//! The bytes of a plan, mapped or owned, and the plan that reads them in place.

use std::fs::File;
use std::path::Path;

use memmap2::Mmap;
use redpoll_plan::{Decoded, Plan, PlanError};
use self_cell::self_cell;

use crate::error::{Error, ErrorKind};
use crate::memory::Aligned;

/// Where the bytes are. Both start at a multiple of 64: a mapping starts at a page.
pub(crate) enum PlanBytes {
    Mapped(Mmap),
    Owned(Aligned),
}

impl PlanBytes {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(memory) => memory,
        }
    }
}

self_cell!(
    /// A validated plan beside the bytes that it borrows.
    pub(crate) struct PlanFile {
        owner: PlanBytes,
        #[covariant]
        dependent: Decoded,
    }
);

impl PlanFile {
    /// Maps the file; only the pages that a run touches are read.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let bytes = file.metadata().map_err(|e| Error::io(path, e))?.len();
        if bytes == 0 {
            return Err(Error::new(
                ErrorKind::Plan,
                format!("{}: the file is empty", path.display()),
            ));
        }
        // SAFETY: the map is read only and private to this process's view of the file. Another process that changes the
        // file while it is mapped could change bytes behind the shared slice; the documentation of `Session::open`
        // asks the caller for a file that nobody changes in place, which is what a compiled artefact is.
        let map = unsafe { Mmap::map(&file) }.map_err(|e| Error::io(path, e))?;
        Self::read(PlanBytes::Mapped(map))
            .map_err(|e| Error::new(e.kind(), format!("{}: {e}", path.display())))
    }

    /// Copies the bytes once, to where weights are aligned.
    pub(crate) fn copy(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(PlanBytes::Owned(Aligned::copy_of(bytes)))
    }

    fn read(bytes: PlanBytes) -> Result<Self, Error> {
        Self::try_new(bytes, |bytes| {
            let plan = Plan::from_bytes(bytes.bytes())?;
            plan.check_lifetimes()?;
            Ok(Decoded::new(plan))
        })
        .map_err(|e: PlanError| {
            Error::new(
                ErrorKind::Plan,
                format!("not a plan that can be run: {e}; convert the model again"),
            )
        })
    }

    /// The plan.
    pub(crate) fn plan(&self) -> &Plan<'_> {
        self.borrow_dependent().plan()
    }

    /// The plan, its steps decoded.
    pub(crate) fn decoded(&self) -> &Decoded<'_> {
        self.borrow_dependent()
    }

    /// All bytes of the file.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.borrow_owner().bytes()
    }
}
