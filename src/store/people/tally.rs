//! What there is to say of all holders of a product.

use std::collections::HashMap;
use std::sync::Arc;

use super::columns::{APART, Of};
use super::{DEPARTMENT, FINDING, People, Which, column};
use crate::model::{AssignedLicense, Double, Filter, Oddity, SkuId, Tally};
use crate::store::StoreError;

impl People {
    /// The tally of a product's holders, which is made once.
    pub(super) fn tally(&mut self, product: SkuId) -> Result<Arc<Tally>, StoreError> {
        if let Some((known, tally)) = &self.tallied
            && *known == product
        {
            return Ok(Arc::clone(tally));
        }
        // All that a list of holders needs, in one reading.
        self.load(&[Of::Held, FINDING, DEPARTMENT])?;
        self.filter(&Which { holding: Some(product), filter: Filter::default() })?;
        let rows = self.filtered.as_ref().map_or(&[][..], |(_, rows)| rows);
        let mut tally = Tally { holders: rows.len() as u64, ..Tally::default() };
        for (value, users) in column(&self.columns, FINDING).into_iter().flat_map(|findings| findings.tally(rows)) {
            let Some(words) = value else { continue };
            tally.odd += users;
            for (oddity, count) in Oddity::ALL.into_iter().zip(&mut tally.oddities) {
                if words.split(APART).any(|word| word == oddity.name()) {
                    *count += users;
                }
            }
        }
        let mut doubles: HashMap<Double, u64> = HashMap::new();
        for (value, users) in column(&self.columns, Of::Held).into_iter().flat_map(|held| held.tally(rows)) {
            let ids = value.into_iter().flat_map(|ids| ids.split(APART)).map(|id| id.parse().ok());
            let held: Vec<_> = ids.map(|sku_id| AssignedLicense { sku_id, disabled_plans: Vec::new() }).collect();
            self.products.doubles(&held).for_each(|double| *doubles.entry(double).or_default() += users);
        }
        tally.doubles = doubles.into_iter().collect();
        tally.doubles.sort_unstable_by(|(a_double, a), (b_double, b)| b.cmp(a).then_with(|| a_double.cmp(b_double)));
        tally.doubles.truncate(Tally::MOST);
        if let Some(departments) = column(&self.columns, DEPARTMENT) {
            (tally.departments, tally.values) = departments.count(rows, Tally::MOST);
        }
        let tally = Arc::new(tally);
        self.tallied = Some((product, Arc::clone(&tally)));
        Ok(tally)
    }
}
