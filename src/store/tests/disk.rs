use std::sync::{Arc, Mutex};

use proptest::prelude::*;

use super::*;
use crate::store::open;

/// Something that the disk was told and may not have done yet.
#[derive(Debug, Clone)]
enum Told {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

impl Told {
    fn happen(&self, image: &mut Vec<u8>) {
        match self {
            Told::Write { at, bytes } => {
                if image.len() < at + bytes.len() {
                    image.resize(at + bytes.len(), 0);
                }
                image[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Told::Length(length) => image.resize(*length, 0),
        }
    }
}

#[derive(Debug, Default)]
struct Image {
    /// What a reader sees.
    now: Vec<u8>,
    /// What is surely there after a power cut.
    durable: Vec<u8>,
    /// What was told since the last sync.
    told: Vec<Told>,
}

/// A disk that forgets, at a power cut, any part of what it was told since the last sync.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<Image>>);

impl Disk {
    fn of(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Image { now: bytes.clone(), durable: bytes, told: Vec::new() })))
    }

    /// What a power cut leaves: of the writes since the last sync those that `kept` names, each whole or torn in 512
    /// bytes.
    fn cut(&self, mut kept: impl FnMut() -> u8) -> Vec<u8> {
        let image = self.0.lock().unwrap();
        let mut left = image.durable.clone();
        for told in &image.told {
            match (kept(), told) {
                (0..=99, _) => {}
                (100..=199, told) | (_, told @ Told::Length(_)) => told.happen(&mut left),
                (_, Told::Write { at, bytes }) => {
                    for (n, sector) in bytes.chunks(512).enumerate() {
                        if kept() & 1 == 0 {
                            Told::Write { at: at + n * 512, bytes: sector.to_vec() }.happen(&mut left);
                        }
                    }
                }
            }
        }
        left
    }

    fn tell(&self, told: Told) {
        let mut image = self.0.lock().unwrap();
        told.happen(&mut image.now);
        image.told.push(told);
    }
}

impl redb::StorageBackend for Disk {
    fn len(&self) -> std::io::Result<u64> {
        Ok(self.0.lock().unwrap().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        let at = usize::try_from(offset).unwrap();
        let image = self.0.lock().unwrap();
        let bytes = image.now.get(at..at + out.len()).ok_or(std::io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        self.tell(Told::Length(usize::try_from(len).unwrap()));
        Ok(())
    }

    fn sync_data(&self) -> std::io::Result<()> {
        let mut image = self.0.lock().unwrap();
        image.durable = image.now.clone();
        image.told.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        self.tell(Told::Write { at: usize::try_from(offset).unwrap(), bytes: data.to_vec() });
        Ok(())
    }
}

fn on(disk: &Disk, dir: &Path, is_new: bool) -> Store {
    open::on(open::start(disk.clone(), CACHE).unwrap(), &dir.join("in-memory"), is_new).unwrap()
}

/// Which set a user belongs to: it is in the name.
fn set_of(user: &User) -> u64 {
    user.text(TextField::DisplayName).and_then(|name| name.rsplit(' ').next()).unwrap().parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The power goes at any moment and takes any part of what was not synced: every import that was told is there, and
    /// every set that a tenant shows is whole.
    #[test]
    fn a_power_cut_loses_nothing_that_was_told(
        counts in prop::collection::vec((0..3u8, 1..300u64, any::<bool>()), 1..12),
        luck in prop::collection::vec(any::<u8>(), 64),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::default();
        let mut store = on(&disk, dir.path(), true);
        let mut tenants = [tenant(0), tenant(1), tenant(2)];
        let mut told: [Vec<u64>; 3] = Default::default();
        let mut promised = [0; 3];
        for (set, (who, count, durable)) in counts.into_iter().enumerate() {
            let (who, set) = (usize::from(who), set as u64 + 1);
            replace(&mut store, &mut tenants[who], set, count, durable).unwrap();
            told[who].push(set);
            if durable {
                // A durable commit takes along what was committed before it.
                promised = [0, 1, 2].map(|n| told[n].len());
            }
        }
        let mut luck = luck.into_iter().cycle();
        let left = disk.cut(|| luck.next().unwrap());

        drop(store);
        let store = on(&Disk::of(left), dir.path(), false);
        let fleet = store.load(3600).unwrap();
        for n in 0..3u8 {
            let (all, sure) = (&told[usize::from(n)], promised[usize::from(n)]);
            let there = fleet.tenants.get(&key(n)).map_or_else(Vec::new, |tenant| shown(&store.reader(), tenant));
            let set = there.first().map(set_of);
            match set {
                None => prop_assert_eq!(sure, 0, "an import that was told is gone"),
                Some(set) => {
                    let at = all.iter().position(|one| *one == set).unwrap();
                    prop_assert!(at + 1 >= sure, "an older import is shown than the one that was told");
                    prop_assert_eq!(there.clone(), users(set, there.len() as u64));
                }
            }
        }
    }
}
