//! Owns the decision whether a worker with trusted keys may run a sweep. Pure: the time is an argument.

use super::bounded::BoundedMap;
use crate::job::SweepId;
use crate::model::Document;
use crate::sign::TrustedKeys;
use crate::space::Space;
use crate::store::Scope;
use crate::stored::SignedDocument;

/// How many sweeps are remembered with the newest revision that was seen.
const MOST_SWEEPS: usize = 4096;

/// The keys that a worker trusts, and what it has seen of the sweeps that they signed.
pub struct Trust {
    keys: TrustedKeys,
    /// The submission and the newest revision.
    seen: BoundedMap<SweepId, (u64, u64)>,
}

impl Trust {
    /// Trusts these keys.
    pub fn new(keys: TrustedKeys) -> Trust {
        Trust { keys, seen: BoundedMap::new(MOST_SWEEPS) }
    }

    /// The document of a sweep, if a trusted key has signed it as it is in the store, for one of the worker's queues.
    /// `stored`: the bytes in the store. Nothing in the document is read before its signature is verified.
    ///
    /// # Errors
    /// Why the worker does not run the sweep; in words.
    pub fn check(
        &mut self,
        id: &SweepId,
        submission: u64,
        scope: &Scope,
        stored: &[u8],
        now_ms: u64,
    ) -> Result<Document, String> {
        let signed = SignedDocument::decode(stored).map_err(|error| error.to_string())?;
        let signed =
            signed.ok_or("it is not signed, and this worker runs only sweeps that a trusted key has signed")?;
        let name = id.to_string();
        let owner = self.keys.check(&signed.statement(&name), &signed.signature, now_ms)?;
        if let Scope::Queues(queues) = scope
            && !queues.contains(&signed.queue)
        {
            return Err(format!(
                "{owner} has signed it for the queue `{}`, which this worker does not serve",
                signed.queue
            ));
        }
        let newest = self.seen.get(id).filter(|(seen, _)| *seen == submission).map_or(0, |(_, revision)| *revision);
        if signed.revision < newest {
            return Err(format!("the store has revision {} of it, older than revision {newest}", signed.revision));
        }
        let document = Document::decode(&signed.document).map_err(|error| error.to_string())?;
        let total = Space::new(document.spec.space.clone()).map_err(|error| error.to_string())?.len();
        if (total, &document.spec.job.queue) != (signed.total, &signed.queue) {
            return Err(format!("what {owner} has signed does not fit the document"));
        }
        self.seen.insert(id.clone(), (submission, signed.revision));
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::SigningKey;
    use crate::stored::earlier;

    const SUBMITTED: u64 = 1000;

    fn key(number: u8) -> SigningKey {
        SigningKey::new([number; 32], "ada").unwrap()
    }

    fn trust() -> Trust {
        Trust::new(TrustedKeys::parse(&key(1).trusted_line()).unwrap())
    }

    fn id() -> SweepId {
        SweepId { name: "a".into(), number: 1 }
    }

    /// A document of an earlier release, signed by a key.
    fn signed(by: u8, revision: u64) -> SignedDocument {
        let document = earlier::documents().remove(0);
        let read = Document::decode(&document).unwrap();
        let total = Space::new(read.spec.space).unwrap().len();
        let queue = read.spec.job.queue;
        let mut signed = SignedDocument { queue, total, revision, expires: 9, signature: vec![], document };
        signed.signature = key(by).sign(&signed.statement("a-1"));
        signed
    }

    fn check(trust: &mut Trust, signed: &SignedDocument) -> Result<Document, String> {
        let scope = Scope::Queues(vec![signed.queue.clone()]);
        trust.check(&id(), SUBMITTED, &scope, &signed.encode().unwrap(), 0)
    }

    #[test]
    fn only_what_a_trusted_key_has_signed_is_run() {
        let good = signed(1, 1);
        let mut trust = trust();
        assert_eq!(check(&mut trust, &good).unwrap(), Document::decode(&good.document).unwrap());
        assert!(check(&mut trust, &signed(2, 1)).unwrap_err().contains("no key that this worker trusts"));
        let scope = Scope::Queues(vec![good.queue.clone()]);
        let plain = trust.check(&id(), SUBMITTED, &scope, &good.document, 0).unwrap_err();
        assert!(plain.contains("not signed"), "{plain}");
        let bytes = good.encode().unwrap();
        let other = SweepId { number: 2, ..id() };
        assert!(trust.check(&other, SUBMITTED, &scope, &bytes, 0).is_err(), "another sweep");
        assert!(trust.check(&id(), SUBMITTED, &scope, &bytes, 9).is_err(), "expired");
        let elsewhere = trust.check(&id(), SUBMITTED, &Scope::Queues(vec!["other".into()]), &bytes, 0).unwrap_err();
        assert!(elsewhere.contains("does not serve"), "{elsewhere}");
        let text = String::from_utf8(good.document.clone()).unwrap();
        for changed in [text.replacen("\"version\":2", "\"version\":3", 1), text.replacen('{', "{ ", 1)] {
            let changed = SignedDocument { document: changed.into_bytes(), ..good.clone() };
            assert!(check(&mut trust, &changed).is_err());
        }
    }

    #[test]
    fn an_older_revision_and_a_statement_that_does_not_fit_are_refused() {
        let mut trust = trust();
        check(&mut trust, &signed(1, 2)).unwrap();
        check(&mut trust, &signed(1, 3)).unwrap();
        assert!(check(&mut trust, &signed(1, 2)).unwrap_err().contains("older than revision 3"));
        let mut wrong = signed(1, 3);
        wrong.total += 1;
        wrong.signature = key(1).sign(&wrong.statement("a-1"));
        assert!(check(&mut trust, &wrong).unwrap_err().contains("does not fit"));
    }
}
