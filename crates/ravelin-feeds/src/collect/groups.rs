//! Which groups a member of a group is in, through nested groups.
//!
//! As Windows builds a token: security groups alone, and only through security groups. A distribution group carries
//! nobody's rights, and nobody's through it.

use std::collections::{BTreeSet, HashMap};

use ravelin_policy::directory::{Group, Sid};

use super::problem::CollectProblem;
use crate::entry::Entry;

/// The security groups among the entries.
pub(super) struct Groups {
    list: Vec<Group>,
    /// Places in the list, by distinguished name in lower case.
    by_dn: HashMap<String, u32>,
    by_sid: HashMap<Sid, u32>,
    /// For each group: itself and every group that it is in, ascending.
    closures: Vec<Vec<u32>>,
    /// Groups that name a member which is no group: by the member's distinguished name in lower case.
    of_members: HashMap<String, Vec<u32>>,
    /// The same where a member is named by its SID (`<SID=0105…>`), which outlives every name.
    of_sids: HashMap<Sid, Vec<u32>>,
}

impl Groups {
    pub(super) fn read(entries: &[&Entry], problems: &mut Vec<CollectProblem>) -> Groups {
        let mut found = Vec::new();
        for entry in entries.iter().copied().filter(|entry| entry.is_a("group")) {
            // Signed in LDAP: the highest bit says "security".
            let kind = entry.text("grouptype").and_then(|text| text.trim().parse::<i64>().ok());
            let sid = entry.value("objectsid").and_then(|bytes| Sid::from_bytes(bytes).ok());
            match (kind, sid, entry.text("samaccountname")) {
                (Some(kind), _, _) if kind >= 0 => {}
                (Some(_), Some(sid), Some(name)) => found.push((Group { sid, name: name.to_owned() }, entry)),
                _ => problems.push(CollectProblem {
                    dn: entry.dn.clone(),
                    text: "a group without groupType, objectSid or sAMAccountName: export these too".to_owned(),
                }),
            }
        }
        found.sort_by_key(|(group, _)| group.sid);
        found.dedup_by_key(|(group, _)| group.sid);
        let by_dn: HashMap<String, u32> = found.iter().map(|(_, entry)| entry.dn.to_lowercase()).zip(0..).collect();
        let by_sid: HashMap<Sid, u32> = found.iter().map(|(group, _)| group.sid).zip(0..).collect();
        let mut parents: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); found.len()];
        let mut of_members: HashMap<String, Vec<u32>> = HashMap::new();
        let mut of_sids: HashMap<Sid, Vec<u32>> = HashMap::new();
        for ((_, entry), place) in found.iter().zip(0_u32..) {
            let above = entry.texts("memberof").filter_map(|dn| by_dn.get(&dn.to_lowercase()).copied());
            if let Some(own) = usize::try_from(place).ok().and_then(|place| parents.get_mut(place)) {
                own.extend(above);
            }
            for member in entry.texts("member") {
                let sid = sid(member);
                let name = if sid.is_none() { member.to_lowercase() } else { String::new() };
                let group = sid.map_or_else(|| by_dn.get(&name), |sid| by_sid.get(&sid));
                match group.and_then(|group| parents.get_mut(usize::try_from(*group).ok()?)) {
                    Some(below) => {
                        below.insert(place);
                    }
                    None => sid
                        .map_or_else(|| of_members.entry(name).or_default(), |sid| of_sids.entry(sid).or_default())
                        .push(place),
                }
            }
        }
        let closures = (0..).take(found.len()).map(|place| closure(place, &parents)).collect();
        let list = found.into_iter().map(|(group, _)| group).collect();
        Groups { list, by_dn, by_sid, closures, of_members, of_sids }
    }

    /// Every group that a member is in: by its own memberOf, by groups that name it, by its primary group; and through
    /// these. Ascending.
    pub(super) fn of(&self, member: &Entry, sid: &Sid, primary: Option<Sid>) -> Vec<u32> {
        let stated = member.texts("memberof").filter_map(|dn| self.by_dn.get(&dn.to_lowercase()));
        let naming = self.of_members.get(&member.dn.to_lowercase()).into_iter().flatten();
        let naming = naming.chain(self.of_sids.get(sid).into_iter().flatten());
        let primary = primary.as_ref().and_then(|sid| self.by_sid.get(sid));
        let direct = stated.chain(naming).chain(primary);
        let all: BTreeSet<u32> =
            direct.filter_map(|place| self.closures.get(usize::try_from(*place).ok()?)).flatten().copied().collect();
        all.into_iter().collect()
    }

    pub(super) fn into_list(self) -> Vec<Group> {
        self.list
    }
}

/// The SID of a member that is named by it: `<SID=` and its bytes in hex (MS-ADTS §3.1.1.3.1.2.4).
fn sid(member: &str) -> Option<Sid> {
    let hex = member.strip_prefix("<SID=")?.strip_suffix('>')?;
    let digits: Vec<u8> =
        hex.chars().map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok())).collect::<Option<_>>()?;
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(high << 4 | low),
        _ => None,
    });
    Sid::from_bytes(&bytes.collect::<Option<Vec<u8>>>()?).ok()
}

/// A group and every group above it; cycles end where they began.
fn closure(start: u32, parents: &[BTreeSet<u32>]) -> Vec<u32> {
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some(place) = open.pop() {
        let above = usize::try_from(place).ok().and_then(|place| parents.get(place));
        open.extend(above.into_iter().flatten().copied().filter(|parent| seen.insert(*parent)));
    }
    seen.into_iter().collect()
}
