//! ngx_core_module and its neighbours: process-wide settings.

use super::kind::Special;
use super::words;

rows! { "core": "ngx_core_module and its neighbours: process-wide settings";
    DAEMON "daemon" in MAIN, FLAG, Flag = "on", Own,
        Honoured, "Whether to detach from the terminal at start.";
    MASTER_PROCESS "master_process" in MAIN, FLAG, Flag = "on", Own,
        Accepted("there is one process; no separate workers are forked"),
        "Whether worker processes are forked at all.";
    TIMER_RESOLUTION "timer_resolution" in MAIN, TAKE1, Msec, Own,
        Accepted("time is read where it is needed, not on a tick"),
        "How often worker processes read the clock.";
    PID "pid" in MAIN, TAKE1, Text = "/run/nginx.pid", Own,
        Honoured, "File that receives the process id.";
    LOCK_FILE "lock_file" in MAIN, TAKE1, Text = "logs/nginx.lock", Own,
        Accepted("listening sockets are not shared between processes, so nothing is locked"),
        "Prefix of lock file names.";
    WORKER_PROCESSES "worker_processes" in MAIN,
        TAKE1, Special(Special::WorkerProcesses) = "1", Own,
        Differs("sets the largest number of worker threads of the one process; as many serve as the load needs, and idle connections move to those that do; a reload does not change it, and says so"),
        "How many workers serve requests; \"auto\" takes the number of processors.";
    DEBUG_POINTS "debug_points" in MAIN, TAKE1, Enumeration(words::DEBUG_POINTS), Own,
        Accepted("it serves to debug nginx itself"),
        "What to do at an internal inconsistency: stop or abort.";
    USER "user" in MAIN, TAKE12, Special(Special::User) = "nobody", Own,
        Differs("the whole process becomes that user and, unless that is root, keeps only the right to bind ports below 1024, so a reload reads certificates, keys and logs as that user, and a key that only root may read stays what it was, with a warning; without the directive the user that started the server stays; a reload does not change it, and says so"),
        "User and group to run as once the sockets are bound.";
    WORKER_PRIORITY "worker_priority" in MAIN, TAKE1, Special(Special::WorkerPriority) = "0", Own,
        Accepted("the scheduling priority is left to the container"),
        "Scheduling priority (\"nice\") of the workers.";
    WORKER_CPU_AFFINITY "worker_cpu_affinity" in MAIN, MORE1, Special(Special::CpuAffinity), Own,
        Accepted("threads are not bound to processors"), "Binds workers to processors.";
    WORKER_RLIMIT_NOFILE "worker_rlimit_nofile" in MAIN, TAKE1, Number, Own,
        Differs("without it the limit is raised as far as it may be, since all threads share one; a reload does not change it, and says so"),
        "Limit on open files, raised at start.";
    WORKER_RLIMIT_CORE "worker_rlimit_core" in MAIN, TAKE1, Offset, Own,
        Accepted("the limit on core files is left to the container"),
        "Limit on the size of a core file.";
    WORKER_SHUTDOWN_TIMEOUT "worker_shutdown_timeout" in MAIN, TAKE1, Msec = "8s", Own,
        Differs("the default is 8s and not no limit, so that it fits into the 10s that Docker grants"),
        "How long a graceful shutdown may take before connections are closed.";
    WORKING_DIRECTORY "working_directory" in MAIN, TAKE1, Text, Own,
        Differs("a reload does not change it, and says so"),
        "Current directory of the process; core files would land there.";
    ENV "env" in MAIN, TAKE1, Special(Special::Env) = "TZ", Own,
        Accepted("the environment is not cleared, so every variable is kept"),
        "Keeps or sets an environment variable.";
    LOAD_MODULE "load_module" in MAIN, TAKE1, Special(Special::LoadModule), Own,
        Accepted("what the usual modules do is built in"), "Loads a dynamic module.";
    INCLUDE "include" in ANYWHERE, TAKE1, Special(Special::Include), Own,
        Differs("a file that includes itself, and blocks or files nested without end, are refused by that name"), "Puts another file, or files that match a mask, in this place.";
    ERROR_LOG "error_log" in MAIN | HTTP | SERVER | LOCATION,
        MORE1, Special(Special::ErrorLog) = "logs/error.log error", Nearest,
        Differs("the default log, or that of -e, is stderr where it cannot be opened, and a warning says so"),
        "Where errors are logged and from which level on.";
    PCRE_JIT "pcre_jit" in MAIN, FLAG, Flag = "off", Own,
        Accepted("regular expressions are always compiled just in time"),
        "Whether regular expressions known at load are compiled to machine code.";
    THREAD_POOL "thread_pool" in MAIN,
        TAKE23, Special(Special::ThreadPool) = "default threads=32 max_queue=65536", Own,
        Accepted("blocking file work goes to the runtime's own threads"),
        "Names a pool of threads for file reads.";
    SSL_ENGINE "ssl_engine" in MAIN, TAKE1, Text, Own,
        Accepted("TLS does not come from OpenSSL"), "Names a hardware accelerator for TLS.";
    SSL_OBJECT_CACHE_INHERITABLE "ssl_object_cache_inheritable" in MAIN, FLAG, Flag = "on", Own,
        Accepted("certificates are read anew at each reload"),
        "Whether a reload may inherit unchanged certificates.";
}
