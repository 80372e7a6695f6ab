//! Repair crews that are shared, and clocks that stand still.

use super::world::{World, secs};

/// Places of Cloud KMS, each with a fault of its own: after `every` of its clock it is down, and
/// its repair takes `lasts`.
fn world(horizon: &str, faults: &[(&str, &str, &str)], more: &str, common: &str) -> World {
    let mut tables = String::from(more);
    for (place, _, _) in faults {
        tables += &format!("[keys.{place}]\nlocation = \"us-{place}\"\n");
    }
    for (place, every, lasts) in faults {
        tables += &format!(
            "[[hazards]]\nname = \"{place}\"\ndo = \"kms-outage\"\nlocation = \"us-{place}\"\n\
             every = \"{every}\"\nlasts = \"{lasts}\"\n{common}\n"
        );
    }
    World::new(horizon, &tables)
}

/// One repairman. A fails at 10 h (repair 5 h), B at 12 h (repair 4 h): B waits until 15 h and is back at 19 h.
#[test]
fn cr_01_a_fault_lasts_until_a_member_is_free_and_has_repaired_it() {
    let faults = [("a1", "10h", "5h"), ("b1", "12h", "4h")];
    let played = world("24h", &faults, "[crews.repair]\n", "crew = \"repair\"").play();
    played.expect("kms.us-a1", &[("10h", "unavailable", "BT-43"), ("15h", "available", "BT-43")]);
    played.expect("kms.us-b1", &[("12h", "unavailable", "BT-43"), ("19h", "available", "BT-43")]);
    played.expect("crews.repair", &[("10h", "busy", "CR-01"), ("19h", "free", "CR-01")]);
    assert_eq!(played.measure("crews.repair.busy-time"), secs("9h"));
    assert_eq!(played.measure("crews.repair.repairs"), 2.0);
    assert_eq!(played.measure("crews.repair.waiting-time"), secs("3h"));
    assert_eq!(played.measure("crews.repair.queue-peak"), 1.0);
    // The crew is no root of anything: its record goes back to the fault.
    assert_eq!(played.chain("crews.repair", "busy")[1].0, "kms.us-a1");

    // With two members nobody waits, and the crew is busy while both are down.
    let two = "[crews.repair]\nsize = 2\n";
    let played = world("24h", &faults, two, "crew = \"repair\"").play();
    played.expect("kms.us-b1", &[("12h", "unavailable", "BT-43"), ("16h", "available", "BT-43")]);
    played.expect("crews.repair", &[("12h", "busy", "CR-01"), ("15h", "free", "CR-01")]);
    assert_eq!(played.measure("crews.repair.waiting-time"), 0.0);
}

/// A fails at 10 h, C at 11 h, B at 12 h; repairs take 5 h, 1 h and 4 h: A is back at 15 h, C at 16 h, B at 20 h. What
/// comes at the very instant that a member is free waits for no time.
#[test]
fn cr_02_faults_are_repaired_first_come_first_served() {
    let faults = [("a1", "10h", "5h"), ("b1", "12h", "4h"), ("c1", "11h", "1h")];
    let played = world("22h", &faults, "[crews.repair]\n", "crew = \"repair\"").play();
    played.expect("kms.us-a1", &[("10h", "unavailable", "BT-43"), ("15h", "available", "BT-43")]);
    played.expect("kms.us-c1", &[("11h", "unavailable", "BT-43"), ("16h", "available", "BT-43")]);
    played.expect("kms.us-b1", &[("12h", "unavailable", "BT-43"), ("20h", "available", "BT-43")]);
    assert_eq!(played.measure("crews.repair.queue-peak"), 2.0);
    assert_eq!(played.measure("crews.repair.waiting-time"), secs("4h") + secs("4h"));

    // What still waits at the horizon has waited until then, and is not repaired.
    let played = world("14h", &faults, "[crews.repair]\n", "crew = \"repair\"").play();
    assert_eq!(played.measure("crews.repair.waiting-time"), secs("3h") + secs("2h"));
    assert_eq!(played.measure("crews.repair.repairs"), 1.0);

    let faults = [("a1", "10h", "5h"), ("b1", "15h", "1h")];
    let played = world("24h", &faults, "[crews.repair]\n", "crew = \"repair\"").play();
    played.expect("kms.us-b1", &[("15h", "unavailable", "BT-43"), ("16h", "available", "BT-43")]);
    assert_eq!(played.measure("crews.repair.waiting-time"), 0.0);
}

/// A fails after 100 h and B after 120 h of operation, a repair takes 10 h, and nothing ages while the
/// plant is down (ReliaWiki): A at 100 h, B (age 120 h) at 130 h, A (age 100 h) at 220 h, B at 270 h.
#[test]
fn cr_03_a_clock_stands_still_outside_of_its_states() {
    let plant = "[services.plant]\nall-of = [\"kms.us-a1\", \"kms.us-b1\"]\n";
    let faults = [("a1", "100h", "10h"), ("b1", "120h", "10h")];
    let clock = "while = { entity = \"services.plant\", states = [\"up\"] }";
    let played = world("300h", &faults, plant, clock).play();
    played.expect(
        "services.plant",
        &[
            ("100h", "down", "RB-01"),
            ("110h", "up", "RB-01"),
            ("130h", "down", "RB-01"),
            ("140h", "up", "RB-01"),
            ("220h", "down", "RB-01"),
            ("230h", "up", "RB-01"),
            ("270h", "down", "RB-01"),
            ("280h", "up", "RB-01"),
        ],
    );
    assert_eq!(played.measure("services.plant.availability"), 260.0 / 300.0);

    // A clock that waits for a state that never comes never strikes.
    let clock = "while = { entity = \"services.plant\", states = [\"degraded\", \"down\"] }";
    let played = world("300h", &faults, plant, clock).play();
    played.expect("services.plant", &[]);

    // What takes the plant down need not be one of its own faults.
    let clock = "while = { entity = \"services.plant\", states = [\"up\"] }";
    let played = world("200h", &faults, plant, clock)
        .during("40h", "25h", "kms-outage location=us-b1")
        .play();
    played.expect("kms.us-a1", &[("125h", "unavailable", "BT-43"), ("135h", "available", "BT-43")]);
}
