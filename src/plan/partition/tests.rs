use super::super::tests::plan;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

const CASES: &str = "[matrix]\nstrategy = [\"drop\", \"block\"]\nconcurrency = [1, 2, 3, 10]\n\
                     duration = [\"1s\", \"2s\", \"7s\"]\n[run]\nrepeats = 2\n";

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Partition, PartitionError> {
    let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
    Partition::read(text, &|name| variables.get(name).map(|value| (*value).to_owned()))
}

/// Which of how many, and how.
fn of(text: &str, variables: &[(&str, &str)]) -> Option<(u32, u32, Method)> {
    let partition = read(text, variables).unwrap_or_else(|error| panic!("{text}: {error}"));
    Some((partition.index, partition.count, partition.method))
}

#[test]
fn a_partition_is_a_number_of_a_number() {
    for (text, expected) in [
        ("2/5", (2, 5, Method::Hash)),
        ("hash:2/5", (2, 5, Method::Hash)),
        ("1/1", (1, 1, Method::Hash)),
        ("slice:10000/10000", (10_000, 10_000, Method::Slice)),
    ] {
        assert_eq!(of(text, &[]), Some(expected), "{text}");
    }
    for (text, said) in [
        ("", "write K/N"),
        ("2", "write K/N"),
        ("2/", "write K/N"),
        ("-1/5", "write K/N"),
        ("+1/5", "write K/N"),
        ("2 / 5", "write K/N"),
        ("time:2/5", "write K/N"),
        ("1/9999999999999999999999", "write K/N"),
        ("0/5", "there is no partition 0 of 5: write 1/5 to 5/5"),
        ("6/5", "there is no partition 6 of 5"),
        ("1/0", "0 partitions: write 1 to 10,000"),
        ("1/10001", "10001 partitions"),
        ("env", "none of JOB_COMPLETION_INDEX, CI_NODE_INDEX, SLURM_ARRAY_TASK_ID, AWS_BATCH_JOB_ARRAY_INDEX is set"),
    ] {
        assert!(read(text, &[]).is_err_and(|error| error.to_string().contains(said)), "{text}: {:?}", read(text, &[]));
    }
}

/// (variables, which of how many)
#[test]
fn an_environment_numbers_its_jobs_in_its_own_way() {
    let kubernetes = [("JOB_COMPLETION_INDEX", "1"), ("QUEUE_LOAD_PARTITIONS", "5")];
    let gitlab = [("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "5")];
    let batch = [("AWS_BATCH_JOB_ARRAY_INDEX", "4"), ("AWS_BATCH_JOB_ARRAY_SIZE", "5")];
    let slurm = [("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_MIN", "3"), ("SLURM_ARRAY_TASK_COUNT", "5")];
    for (variables, index) in [(&kubernetes[..], 2), (&gitlab[..], 1), (&batch[..], 5), (&slurm[..], 5)] {
        assert_eq!(of("env", variables), Some((index, 5, Method::Hash)), "{variables:?}");
        assert_eq!(of("slice:env", variables), Some((index, 5, Method::Slice)), "{variables:?}");
        assert_eq!(of("2/3", variables), Some((2, 3, Method::Hash)), "what is written counts");
    }
    let stepped = [&slurm[..], &[("SLURM_ARRAY_TASK_STEP", "2"), ("SLURM_ARRAY_TASK_MAX", "11")]].concat();
    assert_eq!(of("env", &stepped), Some((3, 5, Method::Hash)));
    assert_eq!(read("env", &gitlab).unwrap().to_string(), "1/5 (hash, from GitLab)");
    assert_eq!(read("slice:1/5", &gitlab).unwrap().to_string(), "1/5 (slice, from --partition)");
    // GitLab sets the total of a job without `parallel`, too.
    assert!(read("env", &[("CI_NODE_TOTAL", "1")]).is_err_and(|error| error.to_string().contains("nothing")));
}

#[test]
fn an_environment_that_makes_no_sense_is_an_error() {
    let slurm = |last| {
        vec![
            ("SLURM_ARRAY_TASK_ID", "7"),
            ("SLURM_ARRAY_TASK_MIN", "1"),
            ("SLURM_ARRAY_TASK_COUNT", "3"),
            ("SLURM_ARRAY_TASK_MAX", last),
        ]
    };
    for (variables, said) in [
        (vec![("JOB_COMPLETION_INDEX", "1")], "Kubernetes: QUEUE_LOAD_PARTITIONS is not set: set it in the template"),
        (vec![("JOB_COMPLETION_INDEX", "5"), ("QUEUE_LOAD_PARTITIONS", "5")], "JOB_COMPLETION_INDEX is 5, and"),
        (vec![("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "5")], "GitLab: CI_NODE_INDEX is 0, and CI_NODE_TOTAL is 5"),
        (vec![("CI_NODE_INDEX", "x"), ("CI_NODE_TOTAL", "5")], "CI_NODE_INDEX is no whole number"),
        (vec![("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "99999")], "99999 partitions: write 1 to 10,000"),
        (vec![("SLURM_ARRAY_TASK_ID", "7"), ("SLURM_ARRAY_TASK_COUNT", "3")], "SLURM_ARRAY_TASK_MIN is not set"),
        (slurm("9"), "Slurm: task 7 of 3 from 1: the array has gaps; write it as a range, such as --array=1-3"),
        (slurm("3"), "the array has gaps"),
        (
            vec![("JOB_COMPLETION_INDEX", "0"), ("CI_NODE_INDEX", "1")],
            "several number this job (Kubernetes: JOB_COMPLETION_INDEX, GitLab: CI_NODE_INDEX); write K/N",
        ),
    ] {
        let found = read("env", &variables);
        assert!(found.as_ref().is_err_and(|error| error.to_string().contains(said)), "{variables:?}: {found:?}");
    }
}

#[test]
fn a_case_that_is_added_moves_no_other() {
    let part_of = |text: &str| -> BTreeMap<String, u32> {
        let plan = plan(&[text]);
        let shares = share::shares(&plan, Method::Hash, 7);
        plan.cases.iter().map(|case| case.id.as_given().to_owned()).zip(shares).collect()
    };
    let (before, after) = (part_of(CASES), part_of(&CASES.replace("3, 10", "3, 4, 5, 10")));
    assert!(after.len() > before.len());
    assert!(before.iter().all(|(id, part)| after[id] == *part));
}

/// The hash is a promise: another version, or another program, must come to the same.
#[test]
fn the_hash_is_the_documented_one() {
    // `printf %s a | sha256sum` begins with ca978112ca1bbdca.
    let number: u64 = 0xca97_8112_ca1b_bdca;
    for count in [1, 2, 5, 64] {
        assert_eq!(u64::from(share::by_hash(&"a".into(), count)), number % u64::from(count));
    }
}

#[test]
fn slices_take_about_the_same_time() {
    let whole = plan(&[CASES]);
    let times: Vec<u64> = (1..=4)
        .map(|index| whole.clone().partitioned(Partition { index, count: 4, method: Method::Slice, farm: None }))
        .map(|part| part.estimate().0)
        .collect();
    let (most, least) = (times.iter().max().unwrap(), times.iter().min().unwrap());
    assert!(*most as f64 <= *least as f64 * 1.2, "{times:?}");
    assert_eq!(times.iter().sum::<u64>(), whole.estimate().0);
}

#[test]
fn a_part_knows_the_whole_and_may_be_empty() {
    let whole = plan(&["[matrix]\nconcurrency = [1, 2]\n"]);
    let parts: Vec<Plan> = (1..=3)
        .map(|index| whole.clone().partitioned(Partition { index, count: 3, method: Method::Slice, farm: None }))
        .collect();
    let known: Vec<&Part> = parts.iter().filter_map(|plan| plan.part.as_ref()).collect();
    assert!(known.iter().all(|part| part.whole == 2 && part.sha256 == known[0].sha256));
    assert_eq!(known.iter().map(|part| part.places.clone()).collect::<Vec<_>>(), [vec![0], vec![1], vec![]]);
    assert!(parts[2].cases.is_empty() && parts[2].repeats.is_empty());
    let other = plan(&["[matrix]\nconcurrency = [1, 3]\n"]).partitioned(known[0].partition);
    assert_ne!(other.part.unwrap().sha256, known[0].sha256);
}

proptest! {
    #[test]
    fn all_parts_together_are_the_plan_exactly_once(count in 1_u32..=64, slice: bool) {
        let whole = plan(&[CASES, "[matrix]\nmaxsize = [1, 2, 3]\n"]);
        let method = if slice { Method::Slice } else { Method::Hash };
        let (mut cases, mut repeats, mut places) = (Vec::new(), Vec::new(), Vec::new());
        for index in 1..=count {
            let part = whole.clone().partitioned(Partition { index, count, method, farm: None });
            let known = part.part.as_ref().unwrap();
            prop_assert_eq!(known.places.len(), part.cases.len());
            for (place, case) in known.places.iter().zip(&part.cases) {
                prop_assert_eq!(&whole.cases[*place as usize], case);
            }
            places.extend(known.places.clone());
            // A repeat is the same wherever it runs, but for the number of its case.
            repeats.extend(part.repeats.iter().map(|repeat| {
                let place = known.places[repeat.case] as usize;
                crate::plan::PlannedRepeat { case: place, ..repeat.clone() }
            }));
            cases.extend(part.cases);
        }
        places.sort_unstable();
        prop_assert_eq!(places, (0..u32::try_from(whole.cases.len()).unwrap()).collect::<Vec<_>>());
        prop_assert_eq!(cases.len(), whole.cases.len());
        let key = |repeat: &crate::plan::PlannedRepeat| (repeat.case, repeat.repeat);
        repeats.sort_by_key(key);
        let mut planned = whole.repeats;
        planned.sort_by_key(key);
        prop_assert_eq!(repeats, planned);
    }
}
