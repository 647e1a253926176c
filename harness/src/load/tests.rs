use std::time::Duration;

use proptest::prelude::*;
use x402_assay_reports::model::load::LoadKind;

use super::arrivals::RATE_MIN;
use super::words::{Wrong, parse_rate};
use super::*;

const TEN: Option<Duration> = Some(Duration::from_secs(10));

#[test]
fn rates_are_told_per_second_minute_or_hour() {
    for (text, per_s) in [
        ("500/s", 500.0),
        ("0.5/s", 0.5),
        ("30000/min", 500.0),
        ("120/m", 2.0),
        ("7200/h", 2.0),
        ("1000000/s", RATE_MAX),
    ] {
        assert_eq!(parse_rate(text), Ok(per_s), "{text}");
    }
}

#[test]
fn every_bad_rate_is_explained() {
    let said = |text: &str| parse_rate(text).unwrap_err().to_string();
    for (text, part) in [
        ("500", "has no unit of time"),
        ("0/s", "zero sends nothing"),
        ("0.0/s", "zero sends nothing"),
        ("-5/s", "is negative"),
        ("1e3/s", "not a plain number"),
        ("inf/s", "not a plain number"),
        ("NaN/s", "not a plain number"),
        ("1000001/s", "out of bounds"),
        ("0.0001/s", "out of bounds"),
        ("5/day", "not told per `day`"),
        ("fast", "is not a rate"),
        ("", "is not a rate"),
        ("/s", "not a plain number"),
    ] {
        let message = said(text);
        assert!(message.contains(part), "{text}: {message}");
        assert!(message.contains("500/s"), "{text}: {message}");
    }
}

#[test]
fn every_shape_is_read_and_has_its_arrivals() {
    let read = |text| Arrivals::parse(text, TEN).unwrap();
    let expected = |text, arrivals: f64, peak: f64| {
        let plan = read(text);
        assert!(
            (plan.expected() - arrivals).abs() < 1e-6,
            "{text}: {}",
            plan.expected()
        );
        assert!((plan.peak() - peak).abs() < 1e-9, "{text}");
        assert_eq!(plan.duration(), Duration::from_secs(10), "{text}");
    };
    expected("500/s", 5_000.0, 500.0);
    expected("constant:500/s", 5_000.0, 500.0);
    expected("poisson:20/s", 200.0, 20.0);
    expected("ramp:100/s..300/s", 2_000.0, 300.0);
    expected("ramp:300/s..100/s", 2_000.0, 300.0);
    expected("spike:10/s..100/s@2s+3s", 70.0 + 300.0, 100.0);
    expected("spike:10/s..100/s@0s+10s", 1_000.0, 100.0);
    expected("steps:10/s,20/s", 150.0, 20.0);
    expected("steps:10/s+4s,20/s+6s", 160.0, 20.0);
    assert!(read("poisson:20/s").is_random() && !read("20/s").is_random());
    assert_eq!(
        Arrivals::parse("steps:10/s+4s", None).unwrap().duration(),
        Duration::from_secs(4)
    );
}

#[test]
fn every_bad_shape_is_explained() {
    let said = |text: &str, duration| match Arrivals::parse(text, duration) {
        Err(wrong) => wrong.to_string(),
        Ok(read) => panic!("{text} is {read}"),
    };
    for (text, part) in [
        ("rampp:1/s..2/s", "did you mean `ramp`"),
        ("search:1/s", "no kind of schedule"),
        ("ramp:100/s", "is not two rates"),
        ("ramp:0/s..10/s", "zero sends nothing"),
        ("spike:1/s..2/s", "when the spike begins"),
        (
            "spike:1/s..2/s@8s+5s",
            "the spike ends at 13s, after the run's 10s",
        ),
        (
            "spike:1/s..2/s@x+5s",
            "a duration is a whole number with a unit",
        ),
        ("steps:1/s+5s,2/s", "some steps say how long"),
        ("steps:1/s+5s,2/s+6s", "last 11s together"),
        ("steps:", "is not a rate"),
        ("0.01/s", "not one arrival is due"),
    ] {
        let message = said(text, TEN);
        assert!(message.contains(part), "{text}: {message}");
    }
    assert!(said("5/s", None).contains("add `--for 30s`"));
    let many = format!("steps:{}", vec!["1/s"; 101].join(","));
    assert!(said(&many, TEN).contains("too many"));
    let day = Some(Duration::from_secs(24 * 3_600));
    assert!(said("1000000/s", day).contains("arrivals are due"));
    assert!(said("steps:1/s+24h,1/s+24h", None).contains("at most 24h"));
    assert!(said("steps:1/s,2/s", Some(Duration::from_millis(1))).contains("do not fit"));
}

#[test]
fn connections_are_read_and_bounded() {
    let read = |text| Connections::parse(text).unwrap();
    assert_eq!(read("64"), Connections::KeepAlive(64));
    assert_eq!(read("new"), Connections::PerPayment { at_once: 512 });
    assert_eq!(read("new:7").at_once(), 7);
    for (text, part) in [
        ("0", "out of bounds"),
        ("10001", "out of bounds"),
        ("99999999999999999999999", "out of bounds"),
        ("-1", "no number"),
        ("+5", "no number"),
        ("new:", "no number"),
        ("newer", "no number"),
        ("", "no number"),
    ] {
        let message = Connections::parse(text).unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn a_mix_adds_up_and_is_drawn_by_its_shares() {
    let mix = Mix::parse("buy=87.5,duplicate=10%,expired=2.5").unwrap();
    assert_eq!(mix.to_string(), "buy=87.5,duplicate=10,expired=2.5");
    let drawn = |part| (0..10_000).filter(|draw| mix.pick(*draw) == part).count();
    assert_eq!(drawn(Part::Buy), 8_750);
    assert_eq!(drawn(Part::Duplicate), 1_000);
    assert_eq!(drawn(Part::Expired), 250);
    assert_eq!(mix.pick(u32::MAX), Part::Expired);
    assert!(!mix.is_plain() && Mix::parse("buy=100").unwrap().is_plain());
    for (text, part) in [
        ("buy=90", "add up to 90 %"),
        ("buy=60,duplicate=60", "add up to 120 %"),
        ("buy=50,buy=50", "named twice"),
        ("buy=100,expired=0", "is zero"),
        ("by=100", "did you mean `buy`"),
        ("buy", "not a part and its share"),
        ("buy=-5", "not a percentage"),
        ("buy=33.333", "not a percentage"),
        ("buy=101", "not a percentage"),
        ("buy=é", "not a percentage"),
    ] {
        let message = Mix::parse(text).unwrap_err().to_string();
        assert!(message.contains(part), "{text}: {message}");
    }
}

#[test]
fn a_plan_is_checked_as_a_whole() {
    let plan = |kind, text| LoadPlan::new(kind, Pace::Open(Arrivals::parse(text, TEN).unwrap()), 7);
    let good = plan(LoadKind::Paid, "5/s");
    assert_eq!(good.check(), Ok(()));
    let bad = |change: fn(&mut LoadPlan), part: &str| {
        let mut plan = plan(LoadKind::Paid, "5/s");
        change(&mut plan);
        let message = plan.check().unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    };
    bad(|plan| plan.queue = usize::MAX, "`queue`");
    bad(|plan| plan.payers = 0, "`payers` is 0");
    bad(
        |plan| plan.connections = Connections::KeepAlive(0),
        "`connections` is 0",
    );
    bad(|plan| plan.timeout = Duration::ZERO, "longer than zero");
    bad(
        |plan| {
            plan.kind = LoadKind::Unpaid;
            plan.mix = Mix::parse("buy=50,abandon=50").unwrap();
        },
        "a mix is for paid load",
    );
    bad(
        |plan| {
            plan.signing = Signing::Ahead;
            plan.pace = Pace::Closed(Closed {
                duration: Duration::from_secs(1),
            });
        },
        "signed ahead",
    );
}

#[test]
fn the_echo_can_be_asked_for_again() {
    let arrivals = Arrivals::parse("spike:10/s..100/s@2s+3s", TEN).unwrap();
    let plan = LoadPlan::new(LoadKind::Paid, Pace::Open(arrivals), 1);
    let echo = plan.echo();
    let again = Arrivals::parse(echo.arrivals.as_deref().unwrap(), TEN).unwrap();
    assert_eq!(Pace::Open(again), plan.pace);
    assert_eq!(Connections::parse(&echo.connections), Ok(plan.connections));
    assert_eq!(echo.mix[0].part, "buy");
}

fn a_rate() -> impl Strategy<Value = f64> {
    RATE_MIN..=100_000.0
}

fn a_time() -> impl Strategy<Value = Duration> {
    (1_u64..3_600_000).prop_map(Duration::from_millis)
}

fn a_schedule() -> impl Strategy<Value = Arrivals> {
    let step = (a_rate(), a_time()).prop_map(|(rate, duration)| Step { rate, duration });
    prop_oneof![
        (a_rate(), a_time()).prop_map(|(rate, duration)| Arrivals::Constant { rate, duration }),
        (a_rate(), a_time()).prop_map(|(rate, duration)| Arrivals::Poisson { rate, duration }),
        (a_rate(), a_rate(), a_time()).prop_map(|(from, to, duration)| Arrivals::Ramp {
            from,
            to,
            duration
        }),
        (a_rate(), a_rate(), a_time(), a_time(), a_time()).prop_map(
            |(base, peak, at, hold, rest)| Arrivals::Spike {
                base,
                peak,
                at,
                hold,
                duration: at + hold + rest,
            }
        ),
        prop::collection::vec(step, 1..20).prop_map(Arrivals::Steps),
    ]
}

proptest! {
    #[test]
    fn every_good_schedule_is_read_back(schedule in a_schedule()) {
        prop_assume!(schedule.check().is_ok());
        let length = Some(schedule.duration());
        prop_assert_eq!(Arrivals::parse(&schedule.to_string(), length), Ok(schedule));
    }

    #[test]
    fn no_text_is_read_without_bounds(text in any::<String>()) {
        let all: [Option<Wrong>; 4] = [
            Arrivals::parse(&text, TEN).err(),
            Connections::parse(&text).err(),
            Mix::parse(&text).err(),
            parse_rate(&text).err(),
        ];
        for wrong in all.into_iter().flatten() {
            prop_assert!(wrong.to_string().len() < 1_000);
        }
    }

    #[test]
    fn words_near_a_schedule_do_no_harm(text in "(ramp|spike|steps|poisson)?:?[0-9./s@+,h]{0,30}") {
        if let Ok(read) = Arrivals::parse(&text, TEN) {
            prop_assert_eq!(read.check(), Ok(()));
        }
    }
}
