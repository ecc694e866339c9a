/* The source `list`: tables as programs write them, classes and numbers, parts, and what each wrong table is
 * told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "runtime/data/csv.h"
#include "tests/unit/data_test.h"

/* ---- CSV ---- */

static void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

/* The fields of all rows, the names' first, each in brackets, rows ended by '/'; or the error. */
static void assert_table(const char *text, const char *expected)
{
    char shown[512] = "";
    Csv *csv = malloc(sizeof *csv);
    CnnError error = {0};
    bool found = true;
    CnnStatus status = csv_open(csv, "t.csv", text, strlen(text), &error);
    while (status == CNN_OK && found) {
        for (int i = 0; i < csv->columns; i++)
            snprintf(shown + strlen(shown), sizeof shown - strlen(shown), "[%s]", csv->field[i]);
        strcat(shown, "/");
        status = csv_next(csv, &found, &error);
    }
    csv_close(csv);
    free(csv);
    assert_string_equal(status == CNN_OK ? shown : error.text, expected);
}

static void csv_is_read_as_programs_write_it(void **state)
{
    (void)state;
    assert_table("a,b\n1,2\n3,\n", "[a][b]/[1][2]/[3][]/");
    assert_table("\xef\xbb\xbf"
                 "a;b\r\n1,5;2\r\n",
                 "[a][b]/[1,5][2]/");
    assert_table("a\tb\r1\t2", "[a][b]/[1][2]/");
    assert_table("\n\na,b\n\n1,2\n\n", "[a][b]/[1][2]/");
    assert_table("a,b\n\"x, \"\"y\"\"\",\"\"\n\"two\r\nlines\",z\n",
                 "[a][b]/[x, \"y\"][]/[two\r\nlines][z]/");
    assert_table("\"a;b;c\",d\n1,2\n", "[a;b;c][d]/[1][2]/");
    assert_table("a\n1\n", "[a]/[1]/");
    assert_table("a,b\n1,in \"the\" middle\n", "[a][b]/[1][in \"the\" middle]/");
    assert_table("a,b\n1,", "[a][b]/[1][]/");
    assert_table("a,b\n1,\"\"", "[a][b]/[1][]/");
}

static void csv_mistakes_are_told_with_their_line(void **state)
{
    (void)state;
    assert_table("a,b\n1,2\n3\n", "t.csv:3: 1 fields, but the first row names 2 columns");
    assert_table("a,b\n\"1\n2\",3\n4,5,6\n", "t.csv:4: 3 fields, but the first row names 2 columns");
    assert_table("a,b\r\n\r\n1,\"2\r\n3,4\r\n", "t.csv:3: a quote is opened and never closed");
    assert_table("a,b\n\"1\"x,2\n", "t.csv:2: text follows the closing quote of a field");
    assert_table("", "t.csv: the table is empty");
    assert_table("\xef\xbb\xbf\r\n", "t.csv: the table is empty");
    assert_table("\xff\xfe"
                 "a",
                 "t.csv: text in UTF-16: save it as UTF-8");
}

/* ---- list ---- */

static void make_pictures(const char *folder)
{
    char path[64];
    for (int i = 0; i < 6; i++) {
        snprintf(path, sizeof path, "%s/%d.png", folder, i);
        write_plain_png(path, 2, 2, 10 * i, 10 * i, 10 * i);
    }
}

static void assert_label(CnnData *data, Part part, int64_t index, double expected)
{
    DataScratch *scratch = NULL;
    CnnError error = {0};
    float values[64], number;
    int32_t class_index;
    bool real = cnn_data_label_dtype(data) == DTYPE_F32;
    assert_int_equal(cnn_data_sample(data, part, index, 0, &scratch, values,
                                     real ? (void *)&number : (void *)&class_index, &error),
                     CNN_OK);
    cnn_data_scratch_free(scratch);
    assert_true((real ? (double)number : (double)class_index) == expected);
}

static void pictures_and_classes_come_from_the_columns(void **state)
{
    (void)state;
    make_pictures("t/p");
    write_text("t/l.csv", "id,species,file\n1,wolf,p/3.png\n2,\"a, bear\",p/1.png\n3,wolf,p/0.png\n");
    Opened opened = open_good("list \"t/l.csv\", image=\"file\", label=\"species\", channels=1");
    assert_int_equal(cnn_data_classes(opened.data), 2);
    assert_string_equal(cnn_data_class_name(opened.data, 0), "a, bear");
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 3);
    assert_label(opened.data, PART_TRAIN, 0, 1);
    assert_label(opened.data, PART_TRAIN, 1, 0);
    assert_sample(opened.data, 0, 4, (const float[]){30, 30, 30, 30}, 0);
    assert_sample(opened.data, 2, 4, (const float[]){0, 0, 0, 0}, 0);
    close_data(opened);
    assert_cached("list \"t/l.csv\", image=\"file\", label=\"species\"", "t/p/1.png");
}

static void root_and_ending_complete_the_paths(void **state)
{
    (void)state;
    make_pictures("elsewhere");
    write_text("l.csv", "id,c\n5,x\n2,y\n");
    Opened opened = open_good(
        "list \"l.csv\", image=\"id\", label=\"c\", root=\"elsewhere\", ending=\".png\", channels=auto");
    assert_int_equal(cnn_data_shape(opened.data).value[2], 3);
    float expected[12];
    for (int i = 0; i < 12; i++)
        expected[i] = 20;
    assert_sample(opened.data, 1, 12, expected, 0);
    close_data(opened);
    assert_refused(
        "list \"l.csv\", image=\"id\", label=\"c\", root=\"elsewhere\"",
        "l.csv: none of its pictures is found; root= names the folder that their paths start from, "
        "ending= what is missing at their ends; the first: elsewhere/5: cannot open");
}

static void absolute_paths_are_taken_as_they_are(void **state)
{
    (void)state;
    char text[256];
    make_pictures("p");
    snprintf(text, sizeof text, "f,c\n%s/p/4.png,x\n%s/p/1.png,y\n", test_folder, test_folder);
    write_text("t/l.csv", text);
    Opened opened = open_good("list \"t/l.csv\", image=\"f\", label=\"c\", channels=1");
    assert_sample(opened.data, 0, 4, (const float[]){40, 40, 40, 40}, 0);
    close_data(opened);
}

static void whole_numbers_are_classes_in_the_order_of_their_values(void **state)
{
    (void)state;
    make_pictures(".");
    write_text("l.csv", "f,c\n0.png,10\n1.png,9\n2.png,200\n");
    Opened opened = open_good("list \"l.csv\", image=\"f\", label=\"c\"");
    assert_int_equal(cnn_data_classes(opened.data), 3);
    assert_string_equal(cnn_data_class_name(opened.data, 0), "9");
    assert_string_equal(cnn_data_class_name(opened.data, 2), "200");
    assert_label(opened.data, PART_TRAIN, 0, 1);
    close_data(opened);
}

static void numbers_are_learnt_when_asked_for(void **state)
{
    (void)state;
    make_pictures(".");
    write_text("l.csv", "f,c\n0.png,1.5\n1.png,-2e1\n");
    Opened opened = open_good("list \"l.csv\", image=\"f\", label=\"c\", values=numbers");
    assert_int_equal(cnn_data_classes(opened.data), 0);
    assert_label(opened.data, PART_TRAIN, 1, -20);
    close_data(opened);
    assert_refused("list \"l.csv\", image=\"f\", label=\"c\"",
                   "l.csv: the labels are real numbers, not classes: values=numbers learns them");
    write_text("l.csv", "f,c\n0.png,1.5\n1.png,nan\n");
    assert_refused("list \"l.csv\", image=\"f\", label=\"c\", values=numbers",
                   "l.csv:3: the label 'nan' is not a finite number");
}

static void a_column_may_say_the_part(void **state)
{
    (void)state;
    static const char text[] = "list \"l.csv\", image=\"f\", label=\"c\", part=\"s\", channels=1";
    make_pictures(".");
    write_text("l.csv", "f,c,s\n0.png,x,test\n1.png,x,train\n2.png,y,valid\n3.png,y,train\n4.png,x,val\n");
    Opened opened = open_good(text);
    assert_int_equal(cnn_data_count(opened.data, PART_TRAIN), 2);
    assert_int_equal(cnn_data_count(opened.data, PART_VALIDATION), 2);
    assert_int_equal(cnn_data_count(opened.data, PART_TEST), 1);
    assert_sample(opened.data, 1, 4, (const float[]){30, 30, 30, 30}, 0);
    assert_label(opened.data, PART_VALIDATION, 0, 1);
    assert_label(opened.data, PART_VALIDATION, 1, 0);
    assert_label(opened.data, PART_TEST, 0, 0);
    close_data(opened);
    write_text("l.csv", "f,c,s\n0.png,x,train\n1.png,y,train\n2.png,z,test\n");
    assert_refused(text, "l.csv:4: the class 'z' does not occur in the training part");
    write_text("l.csv", "f,c,s\n0.png,1,train\n1.png,2,train\n2.png,z,test\n");
    assert_refused(text, "l.csv:4: the class 'z' does not occur in the training part");
    write_text("l.csv", "f,c,s\n0.png,x,trial\n");
    assert_refused(text, "l.csv:2: the part is 'trial'; train, validation or test is needed");
    write_text("l.csv", "f,c,s\n0.png,x,test\n");
    assert_refused(text, "l.csv: no row belongs to the training part");
}

static void a_missing_picture_is_left_to_bad(void **state)
{
    (void)state;
    make_pictures(".");
    write_text("l.csv", "f,c\n0.png,x\nlost.png,y\n1.png,y\n");
    Opened opened = open_good("list \"l.csv\", image=\"f\", label=\"c\"");
    assert_unreadable(opened.data, 1, "lost.png: cannot open: No such file or directory");
    close_data(opened);
}

static void tables_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const char text[] = "list \"l.csv\", image=\"f\", label=\"c\"";
    assert_refused(text, "'l.csv' is neither in");
    write_text("l.csv", "file,class\n0.png,x\n");
    assert_refused(text, "l.csv: has no column 'f'; it has 'file', 'class'");
    write_text("l.csv", "f,c,c\n0.png,x,y\n");
    assert_refused(text, "l.csv: several columns are called 'c'");
    write_text("l.csv", "f,c\n");
    assert_refused(text, "l.csv: no row follows the names of the columns");
    write_text("l.csv", "f,c\n0.png,\n");
    assert_refused(text, "l.csv:2: the column 'c' is empty");
    write_text("l.csv", "f,c\n,x\n");
    assert_refused(text, "l.csv:2: the column 'f' is empty");
    write_text("l.csv", "f,c\n0.png,x\n1.png,x\n");
    assert_refused(text, "l.csv: all labels are 'x': at least two classes are needed");
    write_bytes("l.csv", "f,c\n0\0.png,x\n", 13);
    assert_refused(text, "l.csv: not a table of text: it holds zero bytes");
    assert_int_equal(remove("l.csv"), 0);
    assert_int_equal(mkfifo("l.csv", 0600), 0);
    assert_refused(text, "l.csv: not a regular file");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, folder_setup, folder_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(csv_is_read_as_programs_write_it),
        TEST(csv_mistakes_are_told_with_their_line),
        TEST(pictures_and_classes_come_from_the_columns),
        TEST(root_and_ending_complete_the_paths),
        TEST(absolute_paths_are_taken_as_they_are),
        TEST(whole_numbers_are_classes_in_the_order_of_their_values),
        TEST(numbers_are_learnt_when_asked_for),
        TEST(a_column_may_say_the_part),
        TEST(a_missing_picture_is_left_to_bad),
        TEST(tables_that_do_not_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
