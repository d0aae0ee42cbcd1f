//! Ids and records out of few, so that messages meet: drawn from an input.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use plan::{BackedUp, Condition, Fingerprint, GroupId, JobId, MemberId, Record, Report, Shape, VersionId};

/// How many of each there are.
const FEW: u8 = 5;

/// Draws things from an input.
pub struct Pool<'a>(pub Unstructured<'a>);

impl Pool<'_> {
    /// Whether anything is left to draw from.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One of the first `count` numbers.
    pub fn below(&mut self, count: u8) -> Result<u8> {
        self.0.int_in_range(0..=count - 1)
    }

    fn few(&mut self) -> Result<u8> {
        Ok(self.below(FEW)? + 1)
    }

    /// A member's id.
    pub fn member(&mut self) -> Result<MemberId> {
        Ok(MemberId([self.few()?; 16]))
    }

    /// Mostly the one group's id.
    pub fn group(&mut self) -> Result<GroupId> {
        Ok(GroupId([if self.below(16)? == 0 { 2 } else { 1 }; 16]))
    }

    /// A version's id; there are more of these.
    pub fn version(&mut self) -> Result<VersionId> {
        Ok(VersionId([self.below(24)? + 1; 16]))
    }

    /// A job's id.
    pub fn job(&mut self) -> Result<JobId> {
        Ok(JobId([self.few()?; 16]))
    }

    /// A fingerprint.
    pub fn fingerprint(&mut self) -> Result<Fingerprint> {
        Ok(Fingerprint([self.few()? - 1; 32]))
    }

    /// None now and then.
    pub fn perhaps<T>(&mut self, draw: impl FnOnce(&mut Self) -> Result<T>) -> Result<Option<T>> {
        if self.below(3)? == 0 { Ok(None) } else { draw(self).map(Some) }
    }

    /// A generation: mostly a small one, now and then an absurd one.
    pub fn generation(&mut self) -> Result<u64> {
        Ok(match self.below(12)? {
            0 => u64::MAX - u64::from(self.below(3)?),
            1 => i64::MAX as u64 + u64::from(self.below(3)?),
            2 => self.0.arbitrary()?,
            _ => self.below(12)?.into(),
        })
    }

    /// A name of a format.
    pub fn format(&mut self) -> Result<String> {
        Ok(["", "json", "toml", "x"][usize::from(self.below(4)?)].to_owned())
    }

    /// Format and mapping.
    pub fn shape(&mut self) -> Result<Shape> {
        let mapping = ["", "except /a", "?"][usize::from(self.below(3)?)].to_owned();
        Ok(Shape { format: self.format()?, mapping })
    }

    /// What stands in a member's way.
    pub fn condition(&mut self) -> Result<Condition> {
        Ok(match self.below(8)? {
            0 => Condition::AwaitingConsent,
            1 => Condition::Missing("m".to_owned()),
            2 => Condition::Suspended("s".to_owned()),
            _ => Condition::Fine,
        })
    }

    /// A record that nobody signed.
    pub fn record(&mut self) -> Result<Record> {
        Ok(Record {
            version: self.version()?,
            group: self.group()?,
            member: self.member()?,
            generation: self.generation()?,
            shape: self.shape()?,
            text: self.fingerprint()?,
            value: self.fingerprint()?,
            size: self.0.arbitrary()?,
            copy: vec![7; usize::from(self.below(40)?)],
            mac: [0; 32],
        })
    }

    /// A report.
    pub fn report(&mut self) -> Result<Report> {
        Ok(Report {
            member: self.member()?,
            generation: self.generation()?,
            base: self.perhaps(Self::version)?,
            base_gen: self.generation()?,
            fingerprint: self.fingerprint()?,
            format: self.format()?,
            condition: self.condition()?,
        })
    }

    /// What was backed up.
    pub fn backed_up(&mut self) -> Result<BackedUp> {
        Ok(BackedUp {
            base: self.perhaps(Self::version)?,
            base_gen: self.generation()?,
            base_fp: self.fingerprint()?,
            record: self.record()?,
        })
    }
}
