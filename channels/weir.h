// All of weir that a pipeline program needs: actors, scopes, channels, select.
#pragma once

#include "weir/channels/channel.h"
#include "weir/channels/select.h"
#include "weir/channels/timer.h"
#include "weir/runtime/actor.h"
#include "weir/runtime/actor_local.h"
#include "weir/runtime/as_completed.h"
#include "weir/runtime/blocking.h"
#include "weir/runtime/dump.h"
#include "weir/runtime/gather.h"
#include "weir/runtime/join.h"
#include "weir/runtime/runtime.h"
#include "weir/runtime/scope.h"
#include "weir/runtime/shielded.h"
#include "weir/runtime/this_actor.h"
#include "weir/runtime/timeout.h"
