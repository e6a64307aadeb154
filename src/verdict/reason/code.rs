//! A word for each kind of reason. The word stays the same when the sentence is reworded.

macro_rules! codes {
    ($($(#[$doc:meta])+ $variant:ident = $word:literal,)+) => {
        /// What kind of reason it is. docs/REASONS.md lists them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ReasonCode {
            $($(#[$doc])+ $variant,)+
        }

        impl ReasonCode {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code with this word; `None` if this build has none.
            #[must_use]
            pub fn find(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.word() == word)
            }

            /// The word for it, as in the JSON.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

codes! {
    /// Nothing was to be sent.
    NoSamples = "no_samples",
    /// Over 1 % of the logs were not sent, or they were sent too late.
    GeneratorLate = "generator_late",
    /// The histogram of the lateness cannot be read.
    LatenessUnreadable = "lateness_unreadable",
    /// The histogram of the lateness is empty.
    LatenessNotMeasured = "lateness_not_measured",
    /// It was late, and there was no control.
    NoControl = "no_control",
    /// It was late, and no control was as long as the window.
    ControlTooShort = "control_too_short",
    /// It was late, and nothing was sent in a control.
    ControlEmpty = "control_empty",
    /// It was late, and so was a control.
    ControlLate = "control_late",
    /// It was late, and the machine was disturbed meanwhile.
    MachineBusy = "machine_busy",
    /// It was late, and the little that the machine took may explain it.
    MachineMayExplain = "machine_may_explain",
    /// A control was late, and the machine was disturbed meanwhile.
    MachineBusyInControl = "machine_busy_in_control",
    /// Logs are missing after a drain that took all of its time, and the machine was disturbed meanwhile.
    MachineBusyInDrain = "machine_busy_in_drain",
    /// The hypervisor took over 5 % of the CPU time.
    StolenCpu = "stolen_cpu",
    /// The run was stopped meanwhile.
    Paused = "paused",
    /// It was to end when its load is steady, and did not settle.
    NotSteady = "not_steady",
    /// Another build discarded it, with a sentence that this build does not have.
    Recorded = "recorded",
    /// The queue could not be built.
    QueueNotBuilt = "queue_not_built",
    /// The queue panicked.
    QueuePanicked = "queue_panicked",
    /// The queue hung.
    QueueHung = "queue_hung",
    /// What the queue delivers to failed.
    SinkFailed = "sink_failed",
    /// The driver cannot do what the request says.
    RequestRefused = "request_refused",
    /// The driver says that it is at fault itself.
    DriverFailed = "driver_failed",
    /// It was not over at its deadline.
    TimedOut = "timed_out",
    /// It held more memory than it may.
    MemoryExceeded = "memory_exceeded",
    /// The child ended without a result, or badly after it.
    ChildExited = "child_exited",
    /// The child did not keep to the protocol, or its result cannot be true.
    ProtocolBroken = "protocol_broken",
    /// Something that the child started still ran after the result.
    LeftBehind = "left_behind",
    /// The child could not be started, or communication with it failed.
    NotStarted = "not_started",
    /// It broke in a way that has no other code.
    RepeatFailed = "repeat_failed",
    /// The queue's version changed during the run.
    QueueReplaced = "queue_replaced",
    /// Counts that must agree do not.
    LedgerOpen = "ledger_open",
    /// Counts of a control that must agree do not.
    ControlOpen = "control_open",
    /// A histogram cannot be read.
    HistogramUnreadable = "histogram_unreadable",
    /// A number is not one, or is out of its range.
    NumberImpossible = "number_impossible",
    /// The ledger has drops or evictions that nobody could have counted.
    DropsUncounted = "drops_uncounted",
    /// Logs waited for less time than their own calls took.
    WaitsTooShort = "waits_too_short",
    /// The series has too many points.
    SeriesTooLong = "series_too_long",
    /// One of two values that are only known together is missing.
    Incomplete = "incomplete",
    /// The repeats hold more values than can be counted.
    NotPooled = "not_pooled",
    /// Every repeat was discarded.
    NoValidRepeat = "no_valid_repeat",
    /// No repeat was run.
    NothingRun = "nothing_run",
    /// A check, or a part of the target, does not hold.
    CheckFailed = "check_failed",
    /// Whether a check, or a part of the target, holds cannot be told.
    CheckUndecided = "check_undecided",
    /// The queue keeps its producers from sending in time.
    StarvesProducers = "starves_producers",
    /// More repeats were discarded than are valid.
    Outnumbered = "outnumbered",
    /// There is no case.
    NoCase = "no_case",
    /// There is no case in this part of the plan.
    EmptyPartition = "empty_partition",
    /// Parts of the plan are missing.
    Partial = "partial",
    /// No case of a scenario offers the throughput of its target.
    TargetNotExercised = "target_not_exercised",
    /// The run ended before it was finished.
    Interrupted = "interrupted",
    /// All holds up to the highest rate that the generator can offer.
    GeneratorIsTheLimit = "generator_is_the_limit",
    /// The highest rate that holds is below the target's throughput.
    MaximumBelowTarget = "maximum_below_target",
    /// Whether the highest rate that holds is below the target's throughput cannot be told.
    MaximumUndecided = "maximum_undecided",
    /// Not even the lowest rate holds.
    NothingHolds = "nothing_holds",
    /// The highest rate that holds could not be found.
    MaximumUnknown = "maximum_unknown",
    /// The CPUs were farther apart than in other runs of the search.
    CpusApart = "cpus_apart",
}
