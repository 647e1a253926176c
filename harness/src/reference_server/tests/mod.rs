mod browsers;
mod defects;
mod defects_challenge;
mod defects_hygiene;
mod defects_identifier;
mod defects_lost;
mod defects_paths;
mod defects_payment;
mod defects_replay;
mod defects_settlement;
mod defects_terms;
mod defects_trust;
mod flow;
mod front;
mod guard;
mod metered;
mod rig;
mod routes;
mod trouble;
mod variants;

use super::{Defect, DefectSet, Deviations, Variant, VariantSet};

#[test]
fn switches_have_unique_names_and_parse_back() {
    let mut names: Vec<_> = Defect::ALL.iter().map(|defect| defect.name()).collect();
    for defect in Defect::ALL {
        assert_eq!(defect.name().parse(), Ok(*defect));
        assert!(defect.about().ends_with('.'), "{defect}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Defect::ALL.len());
    for variant in Variant::ALL {
        assert_eq!(variant.name().parse(), Ok(*variant));
    }
}

#[test]
fn a_list_of_switches_parses_and_a_mistake_names_the_nearest() {
    let set: DefectSet = "verify-only, receipt-missing,".parse().unwrap();
    assert!(set.has(Defect::VerifyOnly) && set.has(Defect::ReceiptMissing));
    assert_eq!(set.iter().count(), 2);
    let error = "verify-olny".parse::<DefectSet>().unwrap_err().to_string();
    assert_eq!(
        error,
        "there is no defect `verify-olny`; did you mean `verify-only`?"
    );
    let error = "purple".parse::<VariantSet>().unwrap_err().to_string();
    assert_eq!(error, "there is no variant `purple`");
}

#[test]
fn a_list_may_name_defects_and_variants() {
    let both: Deviations = "verify-only, html-body".parse().unwrap();
    assert!(both.defects.has(Defect::VerifyOnly) && both.variants.has(Variant::HtmlBody));
    for variant in Variant::ALL {
        assert!(variant.name().parse::<Defect>().is_err(), "{variant}");
    }
    let error = "verify-olny".parse::<Deviations>().unwrap_err();
    assert!(error.to_string().contains("`verify-only`"), "{error}");
}
