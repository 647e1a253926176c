//! Routes for what goes wrong on purpose: faults, holds and defects.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::shapes::{
    DefectInfo, DefectList, DefectSwitches, FaultList, HoldList, PersonalityState,
};
use crate::defects::Defect;
use crate::facilitator::Facilitator;
use crate::faults::FaultView;
use crate::holds::HoldView;
use crate::nearest::read_json;

type Answer<T> = Result<Json<T>, Failure>;
type Body = Result<Bytes, BytesRejection>;
type Name = Result<Path<String>, PathRejection>;
type Prefix = Result<Query<PrefixQuery>, QueryRejection>;

pub(super) fn fault_routes() -> Router<Arc<Facilitator>> {
    Router::new()
        .route("/faults", get(faults).post(add_fault).delete(remove_faults))
        .route("/faults/{name}", get(fault).delete(remove_fault))
        .route("/holds", get(holds).post(add_hold).delete(remove_holds))
        .route("/holds/{name}", get(hold).delete(remove_hold))
        .route("/defects", get(defects).put(set_defects))
        .route(
            "/personality",
            get(personality)
                .put(set_personality)
                .delete(remove_personality),
        )
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrefixQuery {
    #[serde(default)]
    prefix: String,
}

async fn faults(Shared(facilitator): Shared<Arc<Facilitator>>) -> Json<FaultList> {
    let faults = facilitator.faults();
    Json(FaultList {
        seed: faults.seed(),
        faults: faults.list(),
    })
}

async fn add_fault(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    body: Body,
) -> Result<(StatusCode, Json<FaultView>), Failure> {
    let added = facilitator.faults().add(read(body)?)?;
    Ok((StatusCode::CREATED, Json(added)))
}

async fn remove_faults(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    query: Prefix,
) -> Answer<FaultList> {
    let faults = facilitator.faults();
    let removed = faults.remove_all(&query?.prefix);
    Ok(Json(FaultList {
        seed: faults.seed(),
        faults: removed,
    }))
}

async fn fault(Shared(facilitator): Shared<Arc<Facilitator>>, name: Name) -> Answer<FaultView> {
    let Path(name) = name?;
    found(
        facilitator.faults().get(&name),
        &facilitator,
        "fault",
        &name,
    )
}

async fn remove_fault(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    name: Name,
) -> Answer<FaultView> {
    let Path(name) = name?;
    found(
        facilitator.faults().remove(&name),
        &facilitator,
        "fault",
        &name,
    )
}

async fn holds(Shared(facilitator): Shared<Arc<Facilitator>>) -> Json<HoldList> {
    Json(HoldList {
        holds: facilitator.faults().holds(),
    })
}

async fn add_hold(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    body: Body,
) -> Result<(StatusCode, Json<HoldView>), Failure> {
    let added = facilitator.faults().add_hold(read(body)?)?;
    Ok((StatusCode::CREATED, Json(added)))
}

async fn remove_holds(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    query: Prefix,
) -> Answer<HoldList> {
    Ok(Json(HoldList {
        holds: facilitator.faults().remove_holds(&query?.prefix),
    }))
}

async fn hold(Shared(facilitator): Shared<Arc<Facilitator>>, name: Name) -> Answer<HoldView> {
    let Path(name) = name?;
    found(
        facilitator.faults().hold(&name),
        &facilitator,
        "hold",
        &name,
    )
}

async fn remove_hold(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    name: Name,
) -> Answer<HoldView> {
    let Path(name) = name?;
    found(
        facilitator.faults().remove_hold(&name),
        &facilitator,
        "hold",
        &name,
    )
}

async fn defects(Shared(facilitator): Shared<Arc<Facilitator>>) -> Json<DefectList> {
    Json(defect_list(&facilitator))
}

async fn set_defects(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    body: Body,
) -> Answer<DefectList> {
    let DefectSwitches { on } = read(body)?;
    facilitator.faults().set_defects(on.into_iter().collect());
    Ok(Json(defect_list(&facilitator)))
}

async fn personality(Shared(facilitator): Shared<Arc<Facilitator>>) -> Json<PersonalityState> {
    let personality = facilitator.personality();
    Json(PersonalityState { personality })
}

async fn set_personality(
    Shared(facilitator): Shared<Arc<Facilitator>>,
    body: Body,
) -> Answer<PersonalityState> {
    facilitator.set_personality(Some(read(body)?))?;
    Ok(personality(Shared(facilitator)).await)
}

async fn remove_personality(
    Shared(facilitator): Shared<Arc<Facilitator>>,
) -> Answer<PersonalityState> {
    facilitator.set_personality(None)?;
    Ok(personality(Shared(facilitator)).await)
}

fn defect_list(facilitator: &Facilitator) -> DefectList {
    let set = facilitator.faults().defects();
    let info = |defect: &Defect| DefectInfo {
        name: *defect,
        about: defect.about().to_owned(),
        on: set.has(*defect),
    };
    DefectList {
        defects: Defect::ALL.iter().map(info).collect(),
    }
}

pub(super) fn read<T: DeserializeOwned>(body: Body) -> Result<T, Failure> {
    read_json(&body?).map_err(Failure::bad)
}

fn found<T>(found: Option<T>, facilitator: &Facilitator, noun: &str, name: &str) -> Answer<T> {
    let missing = || {
        let shown: String = name.chars().take(80).collect();
        Failure::not_found(format!(
            "no {noun} `{shown}`{}",
            facilitator.faults().hint(name)
        ))
    };
    found.map(Json).ok_or_else(missing)
}
