/* proof_talk.h - for the tests in which a venue's codecs talk to its simulated side: keeps what was
 * asked, over which transport it went, and whether the answer was a good one, and says it in the
 * end as proofs of kind simulator.
 *
 * The test calls proof_talk_command before it gives a command, proof_talk_way in the callbacks send
 * and request, proof_talk_report and proof_talk_event in those of the codec's news, and
 * proof_talk_end at the end of a case that compared both sides. */
#ifndef TICKPIPE_TESTS_UNIT_PROOF_TALK_H
#define TICKPIPE_TESTS_UNIT_PROOF_TALK_H

#include "tests/proof.h"
#include "tests/unit/check.h"
#include "venues/venue.h"

enum { PROOF_TALK_SLOTS = 8192 };

struct proof_talk {
    struct {
        uint64_t request_id;
        int operation; /* Of REST; +1 is that of the WebSocket where there are both. */
        bool has_both, is_ws, has_way;
    } commands[PROOF_TALK_SLOTS];
    uint64_t current; /* Request id of the command that is given. */
    bool shown[PROOF_OPERATION_COUNT];
};

static int proof_talk_operation(const struct venue_command *c, bool *has_both)
{
    static const int of_op[] = {
        [OP_CANCEL] = PROOF_cancel,
        [OP_REPLACE] = PROOF_amend,
        [OP_QUERY] = PROOF_query,
        [OP_OPEN_ORDERS] = PROOF_open_orders,
        [OP_CANCEL_ALL] = PROOF_cancel_all,
        [OP_BALANCES] = PROOF_balances,
        [OP_EXECUTIONS] = PROOF_executions,
        [OP_SERVER_TIME] = PROOF_server_time,
        [OP_INSTRUMENTS] = PROOF_instruments,
        [OP_DEAD_MAN] = PROOF_dead_man,
        [OP_POSITIONS] = PROOF_positions,
        [OP_ACCOUNT_MODE] = PROOF_account_mode,
        [OP_FUNDING] = PROOF_funding_payments,
    };

    *has_both = c->op <= OP_BALANCES || c->op == OP_EXECUTIONS;
    if (c->op != OP_PLACE)
        return of_op[c->op];
    return c->is_reduce_only             ? PROOF_place_reduce_only
           : c->is_post_only             ? PROOF_place_post_only
           : c->type == ORDER_MARKET     ? PROOF_place_market
           : c->time_in_force == TIF_IOC ? PROOF_place_ioc
           : c->time_in_force == TIF_FOK ? PROOF_place_fok
                                         : PROOF_place_limit;
}

static void proof_talk_command(struct proof_talk *talk, const struct venue_command *command)
{
    size_t slot = command->request_id % PROOF_TALK_SLOTS;

    talk->commands[slot].request_id = talk->current = command->request_id;
    talk->commands[slot].operation = proof_talk_operation(command, &talk->commands[slot].has_both);
    talk->commands[slot].is_ws = talk->commands[slot].has_way = false;
}

static void proof_talk_way(struct proof_talk *talk, bool is_ws)
{
    size_t slot = talk->current % PROOF_TALK_SLOTS;

    if (talk->current && !talk->commands[slot].has_way) {
        talk->commands[slot].is_ws = is_ws;
        talk->commands[slot].has_way = true;
    }
}

static void proof_talk_news(struct proof_talk *talk, const struct venue_report *r)
{
    switch (r->kind) {
    case REPORT_NEW:
    case REPORT_ORDER:
    case REPORT_CANCELLED:
    case REPORT_EXPIRED:
        talk->shown[PROOF_private_order] = true;
        break;
    case REPORT_FILL:
        talk->shown[PROOF_private_execution] = true;
        break;
    case REPORT_BALANCE:
        talk->shown[PROOF_private_balance] = true;
        break;
    case REPORT_POSITION:
        talk->shown[PROOF_private_position] = true;
        break;
    case REPORT_FUNDING:
        talk->shown[PROOF_private_funding] = true;
        break;
    case REPORT_BACK_OFF:
        talk->shown[PROOF_rate_limit] = true;
        break;
    case REPORT_CHANNEL:
        talk->shown[PROOF_login] |= r->is_private_stream_up;
        break;
    default:
        break;
    }
}

static void proof_talk_report(struct proof_talk *talk, const struct venue_report *r)
{
    size_t slot = r->request_id % PROOF_TALK_SLOTS;

    if (!r->request_id) {
        proof_talk_news(talk, r);
        return;
    }
    if (talk->commands[slot].request_id != r->request_id)
        return;
    if (r->kind == REPORT_REJECTED || r->kind == REPORT_CANCEL_REJECTED ||
        r->kind == REPORT_REPLACE_REJECTED)
        talk->shown[PROOF_errors] = true;
    if (r->kind == REPORT_ACCEPTED || r->kind == REPORT_REPLACED || r->kind == REPORT_CANCELLED ||
        r->kind == REPORT_ORDER || r->kind == REPORT_DONE || r->kind == REPORT_SERVER_TIME ||
        r->kind == REPORT_DEAD_MAN) {
        bool is_ws = talk->commands[slot].has_both && talk->commands[slot].is_ws;
        talk->shown[talk->commands[slot].operation + is_ws] = true;
    }
}

static void proof_talk_event(struct proof_talk *talk, const struct wire_header *event)
{
    switch (event->type) {
    case WIRE_instrument:
        talk->shown[PROOF_instruments] = true;
        break;
    case WIRE_book_snapshot:
        talk->shown[PROOF_book_snapshot] = true;
        break;
    case WIRE_book_delta:
        talk->shown[PROOF_book_delta] = true;
        break;
    case WIRE_best_quote:
        talk->shown[PROOF_best_quote] = true;
        break;
    case WIRE_trade:
        talk->shown[PROOF_trades] = true;
        break;
    case WIRE_feed_status:
        talk->shown[PROOF_status] = true;
        break;
    case WIRE_mark_price:
        talk->shown[PROOF_mark_price] = true;
        break;
    case WIRE_funding:
        talk->shown[PROOF_funding] = true;
        break;
    case WIRE_liquidation:
        talk->shown[PROOF_liquidation] = true;
        break;
    default:
        break;
    }
}

static void proof_talk_end(struct proof_talk *talk, const char *venue)
{
    for (int i = 0; i < PROOF_OPERATION_COUNT && !check_failed_in_case; i++)
        if (talk->shown[i])
            proof_of(venue, (enum proof_operation)i, BY_simulator, "both sides face to face");
    memset(talk, 0, sizeof(*talk));
}

#endif
