// Parts of a piece of work, shared out among the threads that torch has already.
//
// torch's own loops run in the threads of its OpenMP library, which wait for more for a while before
// they sleep. Threads of our own beside them would be put where these still wait. So the library's
// two questions and its one command are handed in as pointers: see team.py.
#include <stdint.h>

typedef int (*Part)(const void *data, int64_t first, int64_t last); // 0, or what went wrong
typedef int (*Number)(void);
typedef void (*Parallel)(void (*member)(void *), void *team, unsigned threads, unsigned flags);

typedef struct {
    Number which, how_many;
    Part part;
    const void *data;
    const int64_t *bounds; // part k is bounds[k] to bounds[k + 1]
    int64_t parts;
    int failed;
} Team;

static void member(void *one_of) {
    Team *team = one_of;
    int64_t step = team->how_many(); // OpenMP may give fewer threads than were asked for
    for (int64_t k = team->which(); k < team->parts; k += step)
        if (team->part(team->data, team->bounds[k], team->bounds[k + 1])) team->failed = 1;
}

int together(Parallel parallel, Number which, Number how_many, Part part, const void *data,
             const int64_t *bounds, int64_t parts) {
    Team team = {which, how_many, part, data, bounds, parts, 0};
    parallel(member, &team, (unsigned)parts, 0);
    return team.failed;
}
