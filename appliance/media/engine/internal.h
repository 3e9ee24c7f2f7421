/* All of the engine's inside at once, for tests that look at it from there. */
#ifndef HAKO_INTERNAL_H
#define HAKO_INTERNAL_H

#include "address.h"
#include "align.h"
#include "command.h"
#include "core.h"
#include "detect.h"
#include "detector.h"
#include "engine.h"
#include "graph.h"
#include "keys.h"
#include "list.h"
#include "object.h"
#include "player.h"
#include "playout.h"
#include "port.h"
#include "quality.h"
#include "receive.h"
#include "recorder.h"
#include "report.h"
#include "resample.h"
#include "rtcp.h"
#include "rtp.h"
#include "send.h"
#include "srtp.h"
#include "units.h"
#include "wav.h"

#endif
