/* Turns an application frozen into CPython back into `python`: loaded as one of its libraries,
   it runs the interpreter's own main before the application's gets its turn. */

int Py_BytesMain(int argc, char **argv);
void exit(int status);

__attribute__((constructor)) static void run(int argc, char **argv)
{
    exit(Py_BytesMain(argc, argv));
}
