//! Whether every page of the file still is what was written: redb's checksums, all of them.
//!
//! redb checks them together with mending what it finds. So that nothing is mended behind anybody's back, it is given a
//! file that it can write to and that stays as it is: what is written lies in memory.

use std::collections::BTreeMap;
use std::os::unix::fs::FileExt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Store, StoreError, open};

/// Memory that the check may take.
const CACHE: usize = 16 << 20;
const BLOCK: u64 = 4096;

/// A file as it was when it was opened, with what was written since over it.
#[derive(Debug)]
struct Untouched {
    file: std::fs::File,
    written: Mutex<Written>,
}

#[derive(Debug)]
struct Written {
    len: u64,
    /// How much of the file is still seen: it was never longer, and never cut shorter.
    seen: u64,
    blocks: BTreeMap<u64, Vec<u8>>,
}

impl Untouched {
    fn open(path: &std::path::Path) -> std::io::Result<Self> {
        let file = std::fs::File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Self { file, written: Mutex::new(Written { len, seen: len, blocks: BTreeMap::new() }) })
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the file; zeros where it has none.
    fn beneath(&self, offset: u64, out: &mut [u8], seen: u64) -> std::io::Result<()> {
        let there = usize::try_from(seen.saturating_sub(offset)).unwrap_or(usize::MAX).min(out.len());
        let (there, rest) = out.split_at_mut(there);
        rest.fill(0);
        self.file.read_exact_at(there, offset)
    }
}

impl redb::StorageBackend for Untouched {
    fn len(&self) -> std::io::Result<u64> {
        Ok(self.written().len)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        let written = self.written();
        let end = offset + out.len() as u64;
        if end > written.len {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.beneath(offset, out, written.seen)?;
        for (number, block) in written.blocks.range(offset / BLOCK..end.div_ceil(BLOCK)) {
            let start = number * BLOCK;
            let (from, to) = (start.max(offset), (start + BLOCK).min(end));
            let range = |base: u64| place(from - base)..place(to - base);
            if let (Some(out), Some(block)) = (out.get_mut(range(offset)), block.get(range(start))) {
                out.copy_from_slice(block);
            }
        }
        Ok(())
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        let mut written = self.written();
        written.len = len;
        written.seen = written.seen.min(len);
        let beyond = written.blocks.split_off(&len.div_ceil(BLOCK));
        drop(beyond);
        let tail = written.blocks.get_mut(&(len / BLOCK)).and_then(|block| block.get_mut(place(len % BLOCK)..));
        if let Some(tail) = tail {
            tail.fill(0);
        }
        Ok(())
    }

    fn sync_data(&self) -> std::io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        let mut written = self.written();
        let end = offset + data.len() as u64;
        for number in offset / BLOCK..end.div_ceil(BLOCK) {
            let start = number * BLOCK;
            let mut block = written.blocks.remove(&number).unwrap_or_default();
            if block.is_empty() {
                block.resize(place(BLOCK), 0);
                self.beneath(start, &mut block, written.seen)?;
            }
            let (from, to) = (start.max(offset), (start + BLOCK).min(end));
            let range = |base: u64| place(from - base)..place(to - base);
            if let (Some(block), Some(data)) = (block.get_mut(range(start)), data.get(range(offset))) {
                block.copy_from_slice(data);
            }
            written.blocks.insert(number, block);
        }
        written.len = written.len.max(end);
        Ok(())
    }
}

/// A distance within what memory holds already.
fn place(distance: u64) -> usize {
    usize::try_from(distance).unwrap_or(usize::MAX)
}

impl Store {
    /// Reads the whole file and checks every page of it. Nothing of it is altered. Nobody may write meanwhile, which the
    /// caller has in hand: there is one writer.
    pub fn verify(&self) -> Result<(), StoreError> {
        let backend = Untouched::open(&self.file.path).map_err(|error| self.file.io(error))?;
        let mut database = open::start(backend, CACHE).map_err(|error| self.file.damaged(error))?;
        match database.check_integrity() {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.file.damaged("pages of it are not what was written")),
            Err(error) => Err(self.file.damaged(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redb::StorageBackend;

    use super::*;

    proptest! {
        /// Whatever is written and cut, it reads like memory does, and the file stays as it is.
        #[test]
        fn it_is_like_a_file_and_the_file_stays(
            bytes in prop::collection::vec(any::<u8>(), 0..20_000),
            steps in prop::collection::vec((0..24_000u64, prop::collection::vec(any::<u8>(), 0..6_000), any::<bool>()), 0..12),
        ) {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), &bytes).unwrap();
            let untouched = Untouched::open(file.path()).unwrap();
            let mut memory = bytes.clone();
            for (at, data, cut) in steps {
                if cut {
                    untouched.set_len(at).unwrap();
                    memory.resize(place(at), 0);
                } else if at + data.len() as u64 <= memory.len() as u64 {
                    untouched.write(at, &data).unwrap();
                    memory[place(at)..place(at) + data.len()].copy_from_slice(&data);
                }
                let mut out = vec![1; memory.len()];
                untouched.read(0, &mut out).unwrap();
                prop_assert_eq!(&out, &memory);
                let from = memory.len() / 3;
                untouched.read(from as u64, &mut out[from..]).unwrap();
                prop_assert_eq!(&out, &memory);
                prop_assert!(untouched.read(1, &mut out).is_err(), "beyond its end");
            }
            prop_assert_eq!(std::fs::read(file.path()).unwrap(), bytes);
        }
    }
}
