/* SPDX-License-Identifier: Apache-2.0 */
/* Rights (core/rights.c, domain_reap.c, MOVE_RIGHT): the Boot Domain, two initial domains, one in a slot that is
 * used again when it ends, and the platform; one right over each of them.  One step is one atomic access of the code.  Shown in every
 * interleaving of CALLS calls, the Boot Domain's exit, ends and creations of domains: who may use a right got
 * it in this life, by a move from its holder or as the creator (no life inherits one); after the Boot Domain's exit nobody
 * but its holder of that moment uses a right over the platform or an initial domain; held[] is never less than the cells
 * that name a slot.  A move that has been allowed when the Boot Domain exits counts as made before.
 * [utest->dsn~rights-invariant~1] */
#define SLOTS    3 /* BOOT and two */
#define BOOT     0
#define PLATFORM 3
#define NOBODY   7
#define CALLS    2 /* of the second domain in all its lives; the first makes one */
#define LIVES    1 /* of the second domain, after the first */

byte holder[4] = NOBODY;
byte held[SLOTS];
bool exists[SLOTS], dying[SLOTS], initial[SLOTS], inside[SLOTS];
byte refs[SLOTS];
bool sealed;

/* Ghosts: lives of a slot, the holder's life when it got the cell, the holder at the seal, moves on the way */
byte life[SLOTS];
byte gift[4];
byte given[4] = NOBODY;
byte calls[SLOTS];

inline end_cell(target)
{
    atomic { was = holder[target]; holder[target] = NOBODY };
    if
    :: was != NOBODY -> held[was]--
    :: else
    fi
}

/* rights_drop_held(): each cell by compare-and-swap, its count afterwards. */
inline drop_held(slot)
{
    t = 0;
    do
    :: t < 4 ->
        atomic {
            if
            :: holder[t] == slot -> holder[t] = NOBODY; ok = true
            :: else -> ok = false
            fi
        };
        if
        :: ok -> held[slot]--
        :: else
        fi;
        t++
    :: else -> break
    od
}

/* MOVE_RIGHT by the domain in slot me. */
inline move(target, to)
{
    ok = true;
    if
    :: target != PLATFORM -> atomic { if :: exists[target] -> refs[target]++ :: else -> ok = false fi }
    :: else
    fi;
    if
    :: ok ->
        atomic {
            allowed = !sealed || (target != PLATFORM && !initial[target]);
            before = !sealed
        };
        if
        :: allowed ->
            atomic {
                if
                :: exists[to] && !(to == BOOT && sealed) -> refs[to]++
                :: else -> allowed = false
                fi
            };
            if
            :: allowed ->
                if
                :: !dying[to] ->
                    held[to]++;
                    atomic {
                        if
                        :: holder[target] == me ->
                            holder[target] = to;
                            gift[target] = life[to];
                            moved = true;
                            if
                            :: before -> given[target] = to
                            :: else
                            fi
                        :: else -> moved = false
                        fi
                    };
                    if
                    :: moved -> held[me]--
                    :: else -> held[to]--
                    fi
                :: else
                fi;
                refs[to]--
            :: else
            fi
        :: else
        fi;
        if
        :: target != PLATFORM -> refs[target]--
        :: else
        fi
    :: else
    fi
}

/* A call that needs the right over target: what is shown. */
inline use(target)
{
    atomic {
        if
        :: holder[target] == me ->
            assert(gift[target] == life[me]);
            assert(held[me] > 0);
            assert(!sealed || (target != PLATFORM && !initial[target]) || given[target] == me)
        :: else
        fi
    }
}

proctype actor(byte me)
{
    byte t, target, to, was;
    bool ok, allowed, before, moved;

end_wait:
    atomic {
        exists[me] && !dying[me] && calls[me] < CALLS -> inside[me] = true;
        calls[me]++;
        if
        :: target = 1
        :: target = 2
        :: target = PLATFORM
        fi
    };
    if
    :: to = 1; move(target, to)
    :: to = 2; move(target, to)
    :: use(target)
    fi;
    atomic {
        inside[me] = false;
        t = 0; target = 0; to = 0; was = 0;
        ok = false; allowed = false; before = false; moved = false
    };
    goto end_wait
}

/* The Boot Domain's exit: sealed, then what it still holds ends. */
proctype leave()
{
    byte t, was;
    bool ok;

    sealed = true;
    dying[BOOT] = true;
    drop_held(BOOT)
}

/* DESTROY of the domain in slot me at any time, the CPU that takes it apart, and a new domain there, whose creator is the other. */
proctype lives(byte me)
{
    byte t, was;
    bool ok;

    do
    :: life[me] < LIVES ->
        dying[me] = true;
        drop_held(me);
        atomic { !inside[me] && refs[me] == 0 -> exists[me] = false };
        end_cell(me);
        drop_held(me);
        atomic { life[me]++; initial[me] = !sealed; dying[me] = false };
        held[3 - me]++;
        atomic { holder[me] = 3 - me; gift[me] = life[3 - me]; given[me] = 3 - me };
        exists[me] = true
    :: else -> break
    od
}

/* What the Boot Domain has moved before: the cell over the second domain; the platform's it may have kept.  Its moves are
 * those of any domain. */
inline start(target, to)
{
    holder[target] = to;
    held[to]++;
    given[target] = to
}

init
{
    atomic {
        start(1, BOOT);
        start(2, 1);
        if
        :: start(PLATFORM, 1)
        :: start(PLATFORM, 2)
        fi;
        exists[0] = true;
        exists[1] = true;
        exists[2] = true;
        initial[1] = true;
        initial[2] = true;
        calls[1] = CALLS - 1;
        run actor(1);
        run actor(2);
        run leave();
        run lives(2)
    }
}
